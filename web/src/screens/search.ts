// One search for streams and videos: words, the #tag of a category, the @name of a user.
import { api, unwrap } from '../client/api'
import { h } from '../dom/element'
import { type Page, type Pages, pages } from '../dom/pages'
import { streamTile, videoTile } from '../parts/tiles'
import type { Visit } from '../router'

const PAGE_SIZE = 12

interface Criteria {
  searchQuery?: string
  tag?: string
  username?: string
}

export async function search({ query }: Visit) {
  const typed = query.get('q') ?? ''
  const criteria = parse(typed)
  const hint = h(
    'p',
    { class: 'dim' },
    'Searches titles, descriptions, categories and names. Narrow it down with #tag and @username.',
  )
  if (!Object.values(criteria).some(Boolean)) return h('section', {}, h('h1', {}, 'Search'), hint)
  const [streams, videos] = await Promise.all([
    grid('No streams found.', findStreams(criteria), streamTile),
    grid('No videos found.', findVideos(criteria), videoTile),
  ])
  return h(
    'section',
    { class: 'stack' },
    h('h1', {}, `Search: ${typed}`),
    hint,
    h('h2', {}, 'Streams'),
    streams.element,
    h('h2', {}, 'Videos'),
    videos.element,
  )
}

function parse(typed: string): Criteria {
  const words = typed.split(/\s+/).filter(Boolean)
  const marked = (mark: string) => words.find((word) => word.length > 1 && word.startsWith(mark))?.slice(1)
  const plain = words.filter((word) => !/^[#@]./.test(word)).join(' ')
  return { searchQuery: plain || undefined, tag: marked('#'), username: marked('@') }
}

const grid = <T>(
  empty: string,
  load: (cursor?: string) => Promise<Page<T>>,
  row: (item: T) => Node,
): Promise<Pages> => pages({ empty, class: 'grid', row, load })

const findStreams =
  ({ username, ...criteria }: Criteria) =>
  async (cursor?: string) => {
    const query = { ...criteria, streamerUsername: username, limit: PAGE_SIZE, cursor }
    const { streams, nextCursor } = await unwrap(api.GET('/api/streams/search', { params: { query } }))
    return { rows: streams, next: nextCursor }
  }

const findVideos =
  ({ username, ...criteria }: Criteria) =>
  async (cursor?: string) => {
    const query = { ...criteria, uploaderUsername: username, limit: PAGE_SIZE, cursor }
    const { vods, nextCursor } = await unwrap(api.GET('/api/vod/search', { params: { query } }))
    return { rows: vods, next: nextCursor }
  }
