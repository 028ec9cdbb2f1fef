// Tiles of streams, videos and categories in a grid.
import type { Schemas } from '../client/api'
import { type Child, h, link, safeUrl } from '../dom/element'
import { count, length, when } from '../dom/text'
import { nameOf } from './person'

export const badge = (live: boolean) =>
  h('span', { class: live ? 'badge' : 'badge off' }, live ? 'LIVE' : 'OFF AIR')

/** `sign` is shown if there is no picture. */
function tile(
  path: string,
  pictureUrl: string | null | undefined,
  over: Child,
  title: string,
  below: Child,
  sign = '▶',
) {
  const picture = safeUrl(pictureUrl)
  return link(
    path,
    { class: 'card tile' },
    h(
      'div',
      { class: 'picture' },
      over,
      picture ? h('img', { src: picture, alt: '', loading: 'lazy' }) : sign,
    ),
    h('div', { class: 'text' }, h('div', { class: 'title' }, title), h('div', { class: 'dim' }, below)),
  )
}

export function streamTile(stream: Schemas['Stream']) {
  const live = stream.status === 'live'
  return tile(`/watch/${stream.id}`, stream.thumbnailUrl, badge(live), stream.title, [
    nameOf(stream.user),
    stream.category && ` · ${stream.category.name}`,
    live && ` · ${stream.currentViewerCount} watching`,
  ])
}

export function videoTile(video: Schemas['Vod']) {
  const over =
    video.status === 'ready'
      ? h('span', { class: 'length' }, length(video.durationSeconds))
      : h('span', { class: 'badge off' }, video.status)
  return tile(`/videos/${video.id}`, video.thumbnailUrl, over, video.title, [
    nameOf(video.user),
    ` · ${count(video.viewCount, 'view')} · `,
    when(video.createdAt),
  ])
}

export const categoryTile = (category: Schemas['Category']) =>
  tile(
    `/categories/${category.slug}`,
    category.thumbnailUrl,
    null,
    category.name,
    category.tags.map((tag) => `#${tag}`).join(' '),
    '#',
  )
