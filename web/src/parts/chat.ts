// The chat of a stream: what is said, and the line to say something.
import { api, got, type Schemas, words } from '../client/api'
import { user } from '../client/session'
import { type Child, h, link } from '../dom/element'
import { action } from '../dom/pages'
import type { Acknowledgement, Line, RoomEvents } from '../live/events'
import { actOn } from './chat-actions'
import { inWords, moderates, type Rules } from './rules'

const MOST_LINES = 500
const EARLIER = 50
const NEAR_THE_END = 60

export type Chat = ReturnType<typeof chatPanel>

export function chatPanel(
  stream: Schemas['Stream'],
  rules: Rules | null,
  send: (text: string) => Promise<Acknowledgement>,
) {
  const moderator = Boolean(rules && moderates(rules))
  const note = h('div', { class: 'bad', role: 'alert' })
  const about = h('div', { class: 'dim', role: 'status' }, rules && inWords(rules))
  const lines = chatLines(
    (line) => (moderator || line.userId === user()?.id) && actOn(stream, line, moderator),
  )
  const input = h('input', {
    'aria-label': 'Message',
    autocomplete: 'off',
    enterkeyhint: 'send',
    maxlength: 500,
    placeholder: 'Say something',
    disabled: true,
  })
  const earlier = action(
    'Earlier messages',
    async () => {
      const before = lines.first()
      const query = { limit: EARLIER, before }
      const { data } = await got(
        api.GET('/api/chat/{streamId}/messages', { params: { path: { streamId: stream.id }, query } }),
      )
      lines.prepend(data)
      earlier.hidden = data.length < EARLIER
    },
    'earlier',
  )

  async function say(event: SubmitEvent) {
    event.preventDefault()
    if (!input.value.trim()) return
    note.textContent = ''
    try {
      const answer = await send(input.value)
      if (answer.ok) input.value = ''
      else note.textContent = answer.message
    } catch (failure) {
      note.textContent = words(failure)
    }
  }
  const foot = user()
    ? h('form', { onsubmit: say }, input, h('button', { type: 'submit' }, 'Send'))
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
          moderator && link(`/watch/${stream.id}/chat`, { class: 'dim' }, 'Rules and bans'),
        ),
        about,
        note,
      ),
      lines.element,
      foot,
    ),
    history: lines.append,
    add: (line: Line) => lines.append([line]),
    remove: lines.remove,
    rules: (changed: RoomEvents['chat_settings_updated']) => {
      about.textContent = inWords(changed) || 'The rules are as usual again.'
    },
    banned({ userId, expiresAt }: RoomEvents['user_banned']) {
      if (userId !== user()?.id) return
      note.textContent = expiresAt
        ? `You may not write here until ${new Date(expiresAt).toLocaleString()}.`
        : 'You may not write here any more.'
    },
    open(yes: boolean) {
      input.disabled = !yes
    },
  }
}

/** The lines by their place in the room's sequence: each once, in order. */
function chatLines(tool: (line: Line) => Child) {
  const list = h('div', { class: 'said', role: 'log', 'aria-label': 'Messages' })
  const element = h('div', { class: 'lines', tabindex: 0 }, list)
  const find = (seq: number) => list.querySelector(`[data-seq="${Number(seq)}"]`)
  const draw = (line: Line) =>
    h(
      'div',
      { class: 'line', 'data-seq': line.seq },
      h('span', {}, h('b', {}, line.username), ' ', line.message),
      tool(line),
    )
  const unseen = (more: Line[]) => more.filter(({ seq }) => !find(seq)).map(draw)
  return {
    element,
    first: () => Number((list.firstElementChild as HTMLElement | null)?.dataset.seq) || undefined,
    append(more: Line[]) {
      const stick = element.scrollHeight - element.scrollTop - element.clientHeight < NEAR_THE_END
      list.append(...unseen(more))
      while (stick && list.childElementCount > MOST_LINES) list.firstElementChild?.remove()
      if (stick) element.scrollTop = element.scrollHeight
    },
    prepend(more: Line[]) {
      const fromEnd = element.scrollHeight - element.scrollTop
      list.prepend(...unseen(more))
      element.scrollTop = element.scrollHeight - fromEnd
    },
    remove: (seq: number) => find(seq)?.remove(),
  }
}
