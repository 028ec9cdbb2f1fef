// Who is live.
import { h, safeUrl } from '../dom.js'
import { get } from '../api.js'

const REFRESH_MS = 10_000

export async function home(onLeave) {
  const grid = h('div', { class: 'grid' })
  const draw = async () => {
    const { streams } = await get('/streams?status=live&sort=viewers&limit=48')
    grid.replaceChildren(...(streams.length ? streams.map(streamTile) : [h('p', { class: 'dim' }, 'Nobody is live right now.')]))
  }
  await draw()
  const timer = setInterval(() => draw().catch(() => {}), REFRESH_MS)
  onLeave(() => clearInterval(timer))
  return h('section', {}, h('h1', {}, 'Live now'), grid)
}

export function streamTile(stream) {
  const live = stream.status === 'live'
  const picture = safeUrl(stream.thumbnailUrl ?? undefined)
  return h('a', { class: 'card tile', href: `/watch/${stream.id}`, 'data-link': '' },
    h('div', { class: 'picture' }, h('span', { class: live ? 'badge' : 'badge off' }, live ? 'LIVE' : 'OFF AIR'),
      stream.thumbnailUrl && picture ? h('img', { src: picture, alt: '', loading: 'lazy' }) : '▶'),
    h('div', { class: 'text' },
      h('div', { class: 'title' }, stream.title),
      h('div', { class: 'dim' }, stream.user.displayName || stream.user.username, stream.category && ` · ${stream.category.name}`,
        live && ` · ${stream.currentViewerCount} watching`)))
}
