// Lists that several screens show.
import { api, unwrap } from '../client/api'
import type { paths } from '../client/schema'
import { pages } from '../dom/pages'
import { streamTile, videoTile } from './tiles'

type Query<Path extends '/api/streams' | '/api/vod'> = NonNullable<paths[Path]['get']['parameters']['query']>

const GRID_PAGE_SIZE = 24

export const streamGrid = (query: Query<'/api/streams'>, empty: string) =>
  pages({
    empty,
    class: 'grid',
    row: streamTile,
    load: async (cursor) => {
      const { streams, nextCursor } = await unwrap(
        api.GET('/api/streams', { params: { query: { limit: GRID_PAGE_SIZE, ...query, cursor } } }),
      )
      return { rows: streams, next: nextCursor }
    },
  })

export const videoGrid = (query: Query<'/api/vod'>, empty: string) =>
  pages({
    empty,
    class: 'grid',
    row: videoTile,
    load: async (cursor) => {
      const { vods, nextCursor } = await unwrap(
        api.GET('/api/vod', { params: { query: { limit: GRID_PAGE_SIZE, ...query, cursor } } }),
      )
      return { rows: vods, next: nextCursor }
    },
  })

/** Returns all categories (a site has tens) as options, after one for no category with the label `none`. */
export async function categoryOptions(none: string): Promise<[value: string, text: string][]> {
  const { categories } = await unwrap(api.GET('/api/categories', { params: { query: { limit: 100 } } }))
  return [['', none], ...categories.map(({ id, name }): [string, string] => [String(id), name])]
}
