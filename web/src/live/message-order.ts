// Delivers the messages of a room in order and each once, across reconnections.
import type { ChatMessage, RoomEvents } from './events'

type History = RoomEvents['recent_chat_history']
type Deleted = RoomEvents['message_deleted']
interface Listeners {
  recent_chat_history?: (history: History) => void
  new_message?: (message: ChatMessage) => void
  message_deleted?: (deleted: Deleted) => void
}

/**
 * Wraps a room's listeners. Calls `loadMore` if more messages are missing than one history contains: it
 * requests those after `last`.
 */
export function inOrder(listeners: Listeners, loadMore: () => void) {
  let last: number | undefined
  /** New messages, kept while earlier ones are missing. */
  let pending: ChatMessage[] | null = null

  const isNew = ({ seq }: ChatMessage) => {
    if (last !== undefined && seq <= last) return false
    last = seq
    return true
  }
  const deliver = (message: ChatMessage) => {
    if (isNew(message)) listeners.new_message?.(message)
  }
  function flush() {
    const messages = pending ?? []
    pending = null
    for (const message of messages) deliver(message)
  }
  return {
    last: () => last,
    /** Delivers the pending messages, because the missing ones cannot be loaded. */
    flush,
    recent_chat_history(history: History) {
      const before = last
      const messages = history.messages.filter(isNew)
      // In an empty room, the next message is the first.
      if (!history.truncated) last ??= 0
      listeners.recent_chat_history?.({ ...history, messages })
      // The first history contains the newest messages, later ones those after `last`.
      if (!history.truncated || before === undefined || before === last) return flush()
      pending ??= []
      loadMore()
    },
    new_message(message: ChatMessage) {
      if (pending) pending.push(message)
      else deliver(message)
    },
    message_deleted(deleted: Deleted) {
      pending = pending?.filter(({ seq }) => seq !== deleted.seq) ?? null
      listeners.message_deleted?.(deleted)
    },
  }
}
