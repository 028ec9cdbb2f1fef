// Actions on a message: its author deletes it; moderators also ban its author.
import { api, type Schemas } from '../client/api'
import { isAdmin, user } from '../client/session'
import { dialog } from '../dom/dialog'
import { h, toast } from '../dom/element'
import { field, form, text } from '../dom/form'
import { action } from '../dom/pages'
import { duration } from '../dom/text'
import type { ChatMessage } from '../live/events'

const TIME_OUTS = [60, 600, 86_400]

/** Creates a button that opens the actions on a message. */
export function actionsButton(stream: Schemas['Stream'], message: ChatMessage, moderator: boolean) {
  const open = () =>
    dialog(`Message from ${message.username}`, (close) => [
      h('p', { class: 'prewrap' }, message.message),
      h(
        'div',
        { class: 'row' },
        action('Delete message', () => remove(message).then(close), 'danger'),
      ),
      moderator && message.userId !== user()?.id && banForm(stream, message, close),
      h('div', { class: 'row' }, h('button', { type: 'button', onclick: close }, 'Close')),
    ])
  return h(
    'button',
    {
      type: 'button',
      class: 'act',
      'aria-label': `Actions on the message from ${message.username}`,
      onclick: open,
    },
    '⋯',
  )
}

const remove = ({ streamId, id: messageId }: ChatMessage) =>
  api.DELETE('/api/chat/{streamId}/messages/{messageId}', { params: { path: { streamId, messageId } } })

function banForm(stream: Schemas['Stream'], { streamId, userId, username }: ChatMessage, close: () => void) {
  const to = { params: { path: { streamId } } }
  const ban = async (reason: string, seconds?: number) => {
    await api.POST('/api/chat/{streamId}/bans', {
      ...to,
      body: { userId, seconds, reason: reason || undefined },
    })
    close()
    toast(
      seconds
        ? `${username} is banned from this chat for ${duration(seconds)}.`
        : `${username} is banned from this chat.`,
    )
  }
  const addModerator = async () => {
    await api.POST('/api/chat/{streamId}/moderators', { ...to, body: { userId } })
    close()
    toast(`${username} is now a moderator of this chat.`)
  }
  const reasons = form({
    fields: [field('Reason (optional)', 'reason', { maxlength: 200 })],
    action: 'Ban',
    danger: true,
    submit: (data) => ban(text(data, 'reason')),
    more: TIME_OUTS.map((seconds) =>
      action(`Ban for ${duration(seconds)}`, () => ban(text(new FormData(reasons), 'reason'), seconds)),
    ),
  })
  return [
    reasons,
    (stream.userId === user()?.id || isAdmin()) &&
      h('div', { class: 'row' }, action('Add moderator', addModerator)),
  ]
}
