// Notifications: the bell in the bar, and an item of the list.
import { api, type Schemas, unwrap } from '../client/api'
import { user } from '../client/session'
import { h, link } from '../dom/element'
import { action } from '../dom/pages'
import { when } from '../dom/text'
import { onMissed, onNotification, onRead } from '../live/socket'
import { avatar, type Person, pathOf } from './person'

type Notification = Schemas['Notification'] & Actor
interface Actor {
  /** Who caused the notification; absent if the account was deleted. */
  actor?: Person | null
}

const BELL_SIZE = 10

export const readAll = () => api.POST('/api/notifications/read-all')

/** Returns the path that a notification links to. */
export function target({
  relatedEntityType: type,
  relatedEntityId: id,
  actor,
}: Pick<Notification, 'relatedEntityType' | 'relatedEntityId'> & Actor) {
  if (type === 'stream') return `/watch/${id}`
  if (type === 'vod') return `/videos/${id}`
  if (actor) return pathOf(actor.username)
  const me = user()
  return me ? `${pathOf(me.username)}/followers` : '/'
}

/** A link that marks its notification as read when it is followed. */
export function notificationItem(notification: Notification) {
  const read = () =>
    void api
      .POST('/api/notifications/{id}/read', { params: { path: { id: notification.id } } })
      .then(changed, () => {})
  const attributes = {
    class: notification.isRead ? 'notice' : 'notice unread',
    'data-id': notification.id,
    onclick: notification.isRead ? undefined : read,
  }
  return link(
    target(notification),
    attributes,
    !notification.isRead && h('span', { class: 'hidden-text' }, 'Unread: '),
    notification.actor && avatar(notification.actor),
    h('div', {}, notification.message, h('div', { class: 'dim' }, when(notification.createdAt))),
  )
}

/** Shows notifications as read without moving them. */
export function markRead(list: HTMLElement, ids: number[]) {
  for (const line of list.querySelectorAll<HTMLElement>('.notice.unread')) {
    if (!ids.includes(Number(line.dataset.id))) continue
    line.classList.remove('unread')
    line.querySelector('.hidden-text')?.remove()
  }
}

/** Tells the bell that notifications were read. */
export const changed = () => void window.dispatchEvent(new Event('notifications-read'))

/** Creates the bell and subscribes it until `disconnect`. */
export function bell(disconnect: AbortSignal) {
  const number = h('span', { class: 'count', hidden: true })
  const list = h('div', { class: 'card notices', hidden: true })
  const button = h(
    'button',
    {
      type: 'button',
      'aria-label': 'Notifications',
      'aria-expanded': 'false',
      onclick: () => open(list.hidden),
    },
    h('span', { class: 'icon' }),
  )
  const element = h(
    'div',
    { class: 'bell', onkeydown: (event) => event.key === 'Escape' && close() },
    button,
    number,
    list,
  )

  function show(unread: number) {
    number.textContent = unread > 99 ? '99+' : String(unread)
    number.hidden = !unread
    button.setAttribute('aria-label', unread ? `Notifications, ${unread} unread` : 'Notifications')
  }
  let asked = 0
  async function refresh() {
    const turn = ++asked
    const { unreadCount } = await unwrap(api.GET('/api/notifications/unread-count'))
    if (turn === asked) show(unreadCount)
  }
  function open(yes: boolean) {
    list.hidden = !yes
    button.setAttribute('aria-expanded', String(yes))
    if (yes) void fill(list)
  }
  function close() {
    open(false)
    button.focus()
  }

  const again = () => {
    void refresh().catch(() => {})
    if (!list.hidden) void fill(list)
  }
  const outside = (event: MouseEvent) => {
    if (!element.contains(event.target as Node)) open(false)
  }
  document.addEventListener('click', outside, { signal: disconnect })
  window.addEventListener('notifications-read', again, { signal: disconnect })
  disconnect.addEventListener('abort', onNotification(again))
  disconnect.addEventListener('abort', onMissed(again))
  disconnect.addEventListener(
    'abort',
    onRead(({ unreadCount }) => {
      show(unreadCount)
      // Counts of several tabs may arrive in any order, so ask for the current one.
      again()
    }),
  )
  again()
  return element
}

async function fill(list: HTMLElement) {
  const { notifications } = await unwrap(
    api.GET('/api/notifications', { params: { query: { limit: BELL_SIZE } } }),
  ).catch(() => ({ notifications: [] }))
  list.replaceChildren(
    ...(notifications.length
      ? notifications.map(notificationItem)
      : [h('p', { class: 'dim' }, 'No notifications yet.')]),
    h(
      'div',
      { class: 'row spread' },
      link('/notifications', {}, h('u', {}, 'All notifications')),
      action('Mark all as read', async () => {
        await readAll()
        changed()
      }),
    ),
  )
}
