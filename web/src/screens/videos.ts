// Videos on demand: all, and the user's own.
import { user } from '../client/session'
import { h } from '../dom/element'
import { choice } from '../dom/form'
import { categoryOptions, videoGrid } from '../parts/lists'
import { studioTabs } from '../parts/tabs'
import { go, type Visit } from '../router'

export async function videos({ query }: Visit) {
  const categoryId = Number(query.get('category')) || undefined
  const [grid, options] = await Promise.all([
    videoGrid({ categoryId }, 'No videos yet. Each broadcast becomes one a few seconds after it ends.'),
    categoryOptions('All categories'),
  ])
  const filter = choice('Category', 'category', options, String(categoryId ?? ''), {
    onchange: ({ target }) => {
      const { value } = target as HTMLSelectElement
      void go(value ? `/videos?category=${value}` : '/videos')
    },
  })
  return h(
    'section',
    { class: 'stack' },
    h('h1', {}, 'Videos'),
    h('div', { class: 'row filters' }, filter),
    grid.element,
  )
}

/** The user's own videos, including those that are processing or failed. */
export async function ownVideos() {
  const grid = await videoGrid({ userId: user()?.id }, 'No videos yet. Upload one, or go live.')
  return h('section', { class: 'stack' }, studioTabs(), h('h1', {}, 'Your videos'), grid.element)
}
