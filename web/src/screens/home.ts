// Live streams.
import { user } from '../client/session'
import { h } from '../dom/element'
import { check, choice } from '../dom/form'
import { categoryOptions, streamGrid } from '../parts/lists'
import { go, type Visit } from '../router'

const REFRESH_MS = 10_000

export async function home({ query, onLeave }: Visit) {
  const categoryId = Number(query.get('category')) || undefined
  const following = query.get('following') === 'true' && Boolean(user())
  const sort = query.get('sort') === 'newest' ? 'newest' : 'viewers'
  const empty = following ? 'No one you follow is live.' : 'No one is live.'
  const [grid, options] = await Promise.all([
    streamGrid({ status: 'live', sort, categoryId, following: following || undefined }, empty),
    categoryOptions('All categories'),
  ])
  const timer = setInterval(() => {
    // A reload would move the list under a user who has scrolled or uses the keyboard.
    const inUse = window.scrollY > 0 || grid.element.contains(document.activeElement)
    if (!document.hidden && !inUse) grid.reload().catch(() => {})
  }, REFRESH_MS)
  onLeave(() => clearInterval(timer))

  const filters = h(
    'form',
    { class: 'row filters', onchange: () => void go(address(filters)) },
    choice('Category', 'category', options, String(categoryId ?? '')),
    choice(
      'Order',
      'sort',
      [
        ['viewers', 'Most viewers'],
        ['newest', 'Newest'],
      ],
      sort,
    ),
    user() && check('Following only', 'following', following, { value: 'true' }),
  )
  return h('section', { class: 'stack' }, h('h1', {}, 'Live now'), filters, grid.element)
}

/** Returns the filters as the path of this screen, so that it can be shared. */
function address(filters: HTMLFormElement) {
  const chosen = [...new FormData(filters)].filter(([, value]) => value !== '') as [string, string][]
  return `/?${new URLSearchParams(chosen)}`
}
