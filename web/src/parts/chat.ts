// The chat panel of a stream: messages and the input.
import { api, errorText, type Schemas, unwrap } from '../client/api'
import { user } from '../client/session'
import { type Child, h, link } from '../dom/element'
import { action } from '../dom/pages'
import type { Ack, ChatMessage, RoomEvents } from '../live/events'
import { actionsButton } from './chat-actions'
import { describeRules, isModerator, type Rules } from './rules'

const MAX_MESSAGES = 500
const HISTORY_SIZE = 50
const FOLLOW_DISTANCE_PX = 60

export type Chat = ReturnType<typeof chatPanel>

export function chatPanel(
  stream: Schemas['Stream'],
  rules: Rules | null,
  send: (text: string) => Promise<Ack>,
) {
  const moderator = Boolean(rules && isModerator(rules))
  const note = h('div', { class: 'bad', role: 'alert' })
  const about = h('div', { class: 'dim', role: 'status' }, rules && describeRules(rules))
  const lines = chatLines(
    (message) => (moderator || message.userId === user()?.id) && actionsButton(stream, message, moderator),
  )
  const input = h('input', {
    'aria-label': 'Message',
    autocomplete: 'off',
    enterkeyhint: 'send',
    maxlength: 500,
    placeholder: 'Send a message',
    disabled: true,
  })
  const earlier = action(
    'Earlier messages',
    async () => {
      const before = lines.first()
      const query = { limit: HISTORY_SIZE, before }
      const { data } = await unwrap(
        api.GET('/api/chat/{streamId}/messages', { params: { path: { streamId: stream.id }, query } }),
      )
      lines.prepend(data)
      earlier.hidden = data.length < HISTORY_SIZE
    },
    'earlier',
  )

  async function submit(event: SubmitEvent) {
    event.preventDefault()
    if (!input.value.trim()) return
    note.textContent = ''
    try {
      const answer = await send(input.value)
      if (answer.ok) input.value = ''
      else note.textContent = answer.message
    } catch (failure) {
      note.textContent = errorText(failure)
    }
  }
  const foot = user()
    ? h('form', { onsubmit: submit }, input, h('button', { type: 'submit' }, 'Send'))
    : h(
        'div',
        { class: 'foot' },
        link(
          `/sign-in?${new URLSearchParams({ next: location.pathname })}`,
          { class: 'button' },
          'Sign in to chat',
        ),
      )
  lines.element.prepend(earlier)
  return {
    element: h(
      'aside',
      { class: 'card chat', 'aria-label': 'Chat' },
      h(
        'div',
        { class: 'head' },
        h(
          'div',
          { class: 'row spread' },
          h('b', {}, 'Chat'),
          moderator && link(`/watch/${stream.id}/chat`, { class: 'dim' }, 'Settings and bans'),
        ),
        about,
        note,
      ),
      lines.element,
      foot,
    ),
    history: lines.append,
    add: (message: ChatMessage) => lines.append([message]),
    remove: lines.remove,
    rules: (changed: RoomEvents['chat_settings_updated']) => {
      about.textContent = describeRules(changed) || 'Slow mode and followers-only are off.'
    },
    banned({ userId, expiresAt }: RoomEvents['user_banned']) {
      if (userId !== user()?.id) return
      note.textContent = expiresAt
        ? `You are banned from this chat until ${new Date(expiresAt).toLocaleString()}.`
        : 'You are banned from this chat.'
    },
    open(yes: boolean) {
      input.disabled = !yes
    },
  }
}

/** The list of messages, each shown once. */
function chatLines(tool: (message: ChatMessage) => Child) {
  const list = h('div', { class: 'said', role: 'log', 'aria-label': 'Messages' })
  const element = h('div', { class: 'lines', tabindex: 0 }, list)
  const find = (seq: number) => list.querySelector(`[data-seq="${Number(seq)}"]`)
  const draw = (message: ChatMessage) =>
    h(
      'div',
      { class: 'line', 'data-seq': message.seq },
      h('span', {}, h('b', {}, message.username), ' ', message.message),
      tool(message),
    )
  const newMessages = (more: ChatMessage[]) => more.filter(({ seq }) => !find(seq)).map(draw)
  return {
    element,
    first: () => Number((list.firstElementChild as HTMLElement | null)?.dataset.seq) || undefined,
    append(more: ChatMessage[]) {
      const stick = element.scrollHeight - element.scrollTop - element.clientHeight < FOLLOW_DISTANCE_PX
      list.append(...newMessages(more))
      while (stick && list.childElementCount > MAX_MESSAGES) list.firstElementChild?.remove()
      if (stick) element.scrollTop = element.scrollHeight
    },
    prepend(more: ChatMessage[]) {
      const fromEnd = element.scrollHeight - element.scrollTop
      list.prepend(...newMessages(more))
      element.scrollTop = element.scrollHeight - fromEnd
    },
    remove: (seq: number) => find(seq)?.remove(),
  }
}
