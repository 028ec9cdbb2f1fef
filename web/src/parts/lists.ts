// The lists that several screens show.
import { api, got } from '../client/api'
import type { paths } from '../client/schema'
import { pages } from '../dom/pages'
import { streamTile, videoTile } from './tiles'

type Query<Path extends '/api/streams' | '/api/vod'> = NonNullable<paths[Path]['get']['parameters']['query']>

const A_GRID = 24

export const streamGrid = (query: Query<'/api/streams'>, empty: string) =>
  pages({
    empty,
    class: 'grid',
    row: streamTile,
    load: async (cursor) => {
      const { streams, nextCursor } = await got(
        api.GET('/api/streams', { params: { query: { limit: A_GRID, ...query, cursor } } }),
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
      const { vods, nextCursor } = await got(
        api.GET('/api/vod', { params: { query: { limit: A_GRID, ...query, cursor } } }),
      )
      return { rows: vods, next: nextCursor }
    },
  })

/** All categories, for a choice: a site has tens of them. `none` is what the choice of none is called. */
export async function categoryOptions(none: string): Promise<[value: string, text: string][]> {
  const { categories } = await got(api.GET('/api/categories', { params: { query: { limit: 100 } } }))
  return [['', none], ...categories.map(({ id, name }): [string, string] => [String(id), name])]
}
