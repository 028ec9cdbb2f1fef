// Videos on demand.
import { h, length, safeUrl, time, toast } from '../dom.js'
import { del, get } from '../api.js'
import { user } from '../session.js'
import { go } from '../app.js'

export async function vods() {
  const grid = h('div', { class: 'grid' })
  const more = h('button', {}, 'More')
  let cursor
  const load = async () => {
    const answer = await get(`/vod?limit=24${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`)
    grid.append(...answer.vods.map(vodTile))
    cursor = answer.nextCursor
    more.hidden = !cursor
  }
  more.addEventListener('click', () => load().catch((problem) => toast(problem.message)))
  await load()
  const nothing = !grid.childElementCount && h('p', { class: 'dim' }, 'No videos yet: each broadcast becomes one some seconds after its end.')
  return h('section', { class: 'stack' }, h('h1', {}, 'Videos'), nothing, grid, more)
}

export function vodTile(item) {
  const picture = item.thumbnailUrl && safeUrl(item.thumbnailUrl)
  return h('a', { class: 'card tile', href: `/videos/${item.id}`, 'data-link': '' },
    h('div', { class: 'picture' }, picture ? h('img', { src: picture, alt: '', loading: 'lazy' }) : '▶',
      item.status === 'ready' ? h('span', { class: 'length' }, length(item.durationSeconds)) : h('span', { class: 'badge off' }, item.status)),
    h('div', { class: 'text' }, h('div', { class: 'title' }, item.title),
      h('div', { class: 'dim' }, item.user.displayName || item.user.username, ` · ${item.viewCount} views · ${time(item.createdAt)}`)))
}

export async function vod(id) {
  const { vod: item } = await get(`/vod/${id}`)
  const mine = user()?.id === item.userId || user()?.role === 'admin'
  const remove = async () => {
    if (!confirm('Delete this video?')) return
    try {
      await del(`/vod/${id}`)
      go('/videos')
    } catch (problem) {
      toast(problem.message)
    }
  }
  const url = item.videoUrl && safeUrl(item.videoUrl)
  const screen = url
    ? h('video', { src: url, controls: true, playsInline: true, poster: (item.thumbnailUrl && safeUrl(item.thumbnailUrl)) || null })
    : h('div', { class: 'over' }, item.status === 'failed' ? 'This video could not be made.' : 'This video is still being made.')
  return h('section', { class: 'stack' },
    h('div', { class: 'screen' }, screen),
    h('div', { class: 'row spread' }, h('h1', {}, item.title), mine && h('button', { class: 'danger', onclick: remove }, 'Delete')),
    h('p', { class: 'dim' },
      h('a', { href: `/people/${item.user.username}`, 'data-link': '' }, item.user.displayName || item.user.username),
      ` · ${item.viewCount} views · ${time(item.createdAt)}`),
    item.description && h('p', { class: 'prewrap' }, item.description))
}
