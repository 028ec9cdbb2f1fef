// Notifications: the bell in the bar, and a line of the list.
import { api, got, type Schemas } from '../client/api'
import { user } from '../client/session'
import { h, link } from '../dom/element'
import { action } from '../dom/pages'
import { when } from '../dom/text'
import { onMissed, onNotice, onRead } from '../live/socket'
import { pathOf } from './person'

type Notice = Schemas['Notification']

const IN_BAR = 10

export const readAll = () => api.POST('/api/notifications/read-all')

/** Where a notification leads. */
export function target({
  relatedEntityType: type,
  relatedEntityId: id,
}: Pick<Notice, 'relatedEntityType' | 'relatedEntityId'>) {
  const me = user()
  if (type === 'stream') return `/watch/${id}`
  if (type === 'vod') return `/videos/${id}`
  return me ? `${pathOf(me.username)}/followers` : '/'
}

/** A line that is read when it is followed. */
export function noticeLine(notice: Notice) {
  const read = () =>
    void api
      .POST('/api/notifications/{id}/read', { params: { path: { id: notice.id } } })
      .then(changed, () => {})
  const attributes = {
    class: notice.isRead ? 'notice' : 'notice unread',
    'data-id': notice.id,
    onclick: notice.isRead ? undefined : read,
  }
  return link(
    target(notice),
    attributes,
    !notice.isRead && h('span', { class: 'hidden-text' }, 'New: '),
    notice.message,
    h('div', { class: 'dim' }, when(notice.createdAt)),
  )
}

/** Makes lines look read, where they stand. */
export function markRead(list: HTMLElement, ids: number[]) {
  for (const line of list.querySelectorAll<HTMLElement>('.notice.unread')) {
    if (!ids.includes(Number(line.dataset.id))) continue
    line.classList.remove('unread')
    line.querySelector('.hidden-text')?.remove()
  }
}

/** Tells the bell that some were read. */
export const changed = () => void window.dispatchEvent(new Event('notices-read'))

/** The bell, until `gone`. */
export function bell(gone: AbortSignal) {
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
    const { unreadCount } = await got(api.GET('/api/notifications/unread-count'))
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
  document.addEventListener('click', outside, { signal: gone })
  window.addEventListener('notices-read', again, { signal: gone })
  gone.addEventListener('abort', onNotice(again))
  gone.addEventListener('abort', onMissed(again))
  gone.addEventListener(
    'abort',
    onRead(({ unreadCount }) => {
      show(unreadCount)
      // What two tabs read at once may be told in any order, and between two notices.
      again()
    }),
  )
  again()
  return element
}

async function fill(list: HTMLElement) {
  const { notifications } = await got(
    api.GET('/api/notifications', { params: { query: { limit: IN_BAR } } }),
  ).catch(() => ({ notifications: [] }))
  list.replaceChildren(
    ...(notifications.length ? notifications.map(noticeLine) : [h('p', { class: 'dim' }, 'Nothing yet.')]),
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
