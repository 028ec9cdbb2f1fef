// What can be done about a message: taking it back, and for who moderates, silencing its author.
import { api, type Schemas } from '../client/api'
import { isAdmin, user } from '../client/session'
import { dialog } from '../dom/dialog'
import { h, toast } from '../dom/element'
import { field, form, text } from '../dom/form'
import { action } from '../dom/pages'
import { duration } from '../dom/text'
import type { Line } from '../live/events'

const TIME_OUTS = [60, 600, 86_400]

/** A button at a message that opens what can be done. */
export function actOn(stream: Schemas['Stream'], line: Line, moderator: boolean) {
  const open = () =>
    dialog(`Message of ${line.username}`, (close) => [
      h('p', { class: 'prewrap' }, line.message),
      h(
        'div',
        { class: 'row' },
        action('Delete message', () => remove(line).then(close), 'danger'),
      ),
      moderator && line.userId !== user()?.id && silence(stream, line, close),
      h('div', { class: 'row' }, h('button', { type: 'button', onclick: close }, 'Close')),
    ])
  return h(
    'button',
    { type: 'button', class: 'act', 'aria-label': `Act on the message of ${line.username}`, onclick: open },
    '⋯',
  )
}

const remove = ({ streamId, id: messageId }: Line) =>
  api.DELETE('/api/chat/{streamId}/messages/{messageId}', { params: { path: { streamId, messageId } } })

function silence(stream: Schemas['Stream'], { streamId, userId, username }: Line, close: () => void) {
  const to = { params: { path: { streamId } } }
  const ban = async (reason: string, seconds?: number) => {
    await api.POST('/api/chat/{streamId}/bans', {
      ...to,
      body: { userId, seconds, reason: reason || undefined },
    })
    close()
    toast(
      seconds
        ? `${username} may write again in ${duration(seconds)}.`
        : `${username} may not write here any more.`,
    )
  }
  const addModerator = async () => {
    await api.POST('/api/chat/{streamId}/moderators', { ...to, body: { userId } })
    close()
    toast(`${username} moderates this chat now.`)
  }
  const reasons = form({
    fields: [field('Why (optional)', 'reason', { maxlength: 200 })],
    action: 'Ban',
    danger: true,
    submit: (data) => ban(text(data, 'reason')),
    more: TIME_OUTS.map((seconds) =>
      action(`Silence for ${duration(seconds)}`, () => ban(text(new FormData(reasons), 'reason'), seconds)),
    ),
  })
  return [
    reasons,
    (stream.userId === user()?.id || isAdmin()) &&
      h('div', { class: 'row' }, action('Make moderator', addModerator)),
  ]
}
