// All categories, and the streams and videos of one.
import { api, unwrap } from '../client/api'
import { h, link } from '../dom/element'
import { field, form, text } from '../dom/form'
import { pages } from '../dom/pages'
import { streamGrid, videoGrid } from '../parts/lists'
import { categoryTile } from '../parts/tiles'
import { go, type Visit } from '../router'

const PAGE_SIZE = 48

export async function categories({ query }: Visit) {
  const tag = query.get('tag')?.trim()
  const grid = await pages({
    empty: tag ? 'No category has this tag.' : 'No categories yet.',
    class: 'grid',
    row: categoryTile,
    load: async (cursor) => {
      const { categories, nextCursor } = await (tag ? tagged(tag, cursor) : all(cursor))
      return { rows: categories, next: nextCursor }
    },
  })
  const filter = form({
    class: 'row filters',
    fields: [field('Tag', 'tag', { value: tag, maxlength: 30, autocapitalize: 'none' })],
    action: 'Filter',
    submit: async (data) => {
      const wanted = text(data, 'tag').trim().replace(/^#/, '')
      await go(wanted ? `/categories?${new URLSearchParams({ tag: wanted })}` : '/categories')
    },
  })
  return h('section', { class: 'stack' }, h('h1', {}, 'Categories'), filter, grid.element)
}

const all = (cursor?: string) =>
  unwrap(api.GET('/api/categories', { params: { query: { limit: PAGE_SIZE, cursor } } }))

const tagged = (tag: string, cursor?: string) =>
  unwrap(api.GET('/api/categories/search', { params: { query: { tag, limit: PAGE_SIZE, cursor } } }))

export async function category({ parameters: [slug = ''] }: Visit) {
  const found = await unwrap(api.GET('/api/categories/{category}', { params: { path: { category: slug } } }))
  const [streams, videos] = await Promise.all([
    streamGrid(
      { status: 'live', sort: 'viewers', categoryId: found.id },
      'No live streams in this category.',
    ),
    videoGrid({ categoryId: found.id }, 'No videos in this category yet.'),
  ])
  const tags = found.tags.map((tag) =>
    link(`/categories?${new URLSearchParams({ tag })}`, { class: 'tag' }, `#${tag}`),
  )
  return h(
    'section',
    { class: 'stack' },
    h('h1', {}, found.name),
    found.description && h('p', { class: 'prewrap' }, found.description),
    h('p', { class: 'row' }, tags),
    h('h2', {}, 'Live now'),
    streams.element,
    h('h2', {}, 'Videos'),
    videos.element,
  )
}
