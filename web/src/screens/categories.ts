// Categories, and what is in one.
import { api, got } from '../client/api'
import { h, link } from '../dom/element'
import { field, form, text } from '../dom/form'
import { pages } from '../dom/pages'
import { streamGrid, videoGrid } from '../parts/lists'
import { categoryTile } from '../parts/tiles'
import { go, type Visit } from '../router'

const A_PAGE = 48

export async function categories({ query }: Visit) {
  const tag = query.get('tag')?.trim()
  const grid = await pages({
    empty: tag ? 'No category has this tag.' : 'There are no categories.',
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
  got(api.GET('/api/categories', { params: { query: { limit: A_PAGE, cursor } } }))

const tagged = (tag: string, cursor?: string) =>
  got(api.GET('/api/categories/search', { params: { query: { tag, limit: A_PAGE, cursor } } }))

export async function category({ parameters: [slug = ''] }: Visit) {
  const found = await got(api.GET('/api/categories/{category}', { params: { path: { category: slug } } }))
  const [streams, videos] = await Promise.all([
    streamGrid({ status: 'live', sort: 'viewers', categoryId: found.id }, 'Nobody is live here right now.'),
    videoGrid({ categoryId: found.id }, 'There are no videos here yet.'),
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
