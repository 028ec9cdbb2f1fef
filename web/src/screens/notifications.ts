// The user's notifications.
import { api, unwrap } from '../client/api'
import { h, link } from '../dom/element'
import { action, pages } from '../dom/pages'
import { onMissed, onNotification, onRead } from '../live/socket'
import { changed, markRead, notificationItem, readAll } from '../parts/bell'
import type { Visit } from '../router'

const PAGE_SIZE = 30

export async function notifications({ query, onLeave }: Visit) {
  const unread = query.get('unread') === 'true'
  const list = await pages({
    empty: unread ? 'No unread notifications.' : 'No notifications yet.',
    row: notificationItem,
    load: async (cursor) => {
      const filter = { isRead: unread ? false : undefined, limit: PAGE_SIZE, cursor }
      const { notifications, nextCursor } = await unwrap(
        api.GET('/api/notifications', { params: { query: filter } }),
      )
      return { rows: notifications, next: nextCursor }
    },
  })
  const again = () => void list.reload().catch(() => {})
  onLeave(onNotification(again))
  onLeave(onMissed(again))
  // Marking single notifications keeps the scroll position of a long list.
  onLeave(onRead(({ ids, all }) => (all ? again() : markRead(list.element, ids))))
  const tab = (path: string, text: string, current: boolean) =>
    link(path, { class: 'button', 'aria-current': current ? 'page' : null }, text)
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
