// What happened, read or not.
import { api, got } from '../client/api'
import { h, link } from '../dom/element'
import { action, pages } from '../dom/pages'
import { onMissed, onNotice, onRead } from '../live/socket'
import { changed, markRead, noticeLine, readAll } from '../parts/bell'
import type { Visit } from '../router'

const A_PAGE = 30

export async function notifications({ query, onLeave }: Visit) {
  const unread = query.get('unread') === 'true'
  const list = await pages({
    empty: unread ? 'Nothing is unread.' : 'Nothing yet.',
    row: noticeLine,
    load: async (cursor) => {
      const filter = { isRead: unread ? false : undefined, limit: A_PAGE, cursor }
      const { notifications, nextCursor } = await got(
        api.GET('/api/notifications', { params: { query: filter } }),
      )
      return { rows: notifications, next: nextCursor }
    },
  })
  const again = () => void list.reload().catch(() => {})
  onLeave(onNotice(again))
  onLeave(onMissed(again))
  // A list that goes on below keeps its place when single ones are read.
  onLeave(onRead(({ ids, all }) => (all ? again() : markRead(list.element, ids))))
  const tab = (path: string, text: string, here: boolean) =>
    link(path, { class: 'button', 'aria-current': here ? 'page' : null }, text)
  return h(
    'section',
    { class: 'card stack' },
    h('h1', {}, 'Notifications'),
    h(
      'div',
      { class: 'row spread' },
      h(
        'div',
        { class: 'row' },
        tab('/notifications', 'All', !unread),
        tab('/notifications?unread=true', 'Unread', unread),
      ),
      action('Mark all as read', async () => {
        await readAll()
        changed()
        await list.reload()
      }),
    ),
    list.element,
  )
}
