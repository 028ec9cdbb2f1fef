// Notifications, in the bar.
import { h, time } from '../dom.js'
import { get, post } from '../api.js'
import { on } from '../live.js'

const PATHS = { stream: '/watch/', vod: '/videos/' }
let forget = () => {}

export function bell() {
  forget()
  const count = h('span', { class: 'count', hidden: true })
  const list = h('div', { class: 'card notices', hidden: true })
  const button = h('button', { 'aria-label': 'Notifications', 'aria-expanded': 'false', onclick: toggle }, h('span', { class: 'icon' }))

  const setUnread = (unread) => {
    count.textContent = unread > 99 ? '99+' : String(unread)
    count.hidden = !unread
  }
  const refresh = () => get('/notifications/unread-count').then((answer) => setUnread(answer.unreadCount)).catch(() => {})

  async function toggle() {
    list.hidden = !list.hidden
    button.setAttribute('aria-expanded', String(!list.hidden))
    if (list.hidden) return
    const { notifications } = await get('/notifications?limit=20').catch(() => ({ notifications: [] }))
    list.replaceChildren(...(notifications.length ? notifications.map(line) : [h('p', { class: 'dim' }, 'Nothing yet.')]))
    if (notifications.some((notice) => !notice.isRead)) await post('/notifications/read-all').then(() => setUnread(0)).catch(() => {})
  }

  refresh()
  const offs = [on('new_notification', refresh)]
  forget = () => offs.forEach((off) => off())
  return h('div', { class: 'bell' }, button, count, list)
}

function line(notice) {
  const path = PATHS[notice.relatedEntityType]
  const text = [notice.message, h('div', { class: 'dim' }, time(notice.createdAt))]
  const attributes = { class: notice.isRead ? '' : 'unread' }
  return path ? h('a', { ...attributes, href: path + notice.relatedEntityId, 'data-link': '' }, text) : h('p', attributes, text)
}
