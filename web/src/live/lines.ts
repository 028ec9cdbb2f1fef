// A room's messages in order and each once, though connections come and go.
import type { Line, RoomEvents } from './events'

type History = RoomEvents['recent_chat_history']
type Deleted = RoomEvents['message_deleted']
interface Listeners {
  recent_chat_history?: (history: History) => void
  new_message?: (line: Line) => void
  message_deleted?: (deleted: Deleted) => void
}

/** Stands before a room's listeners. `goOn` is called when more is missing than one history holds: it asks for what is after `last`. */
export function inOrder(listeners: Listeners, goOn: () => void) {
  let last: number | undefined
  /** Messages that came while earlier ones are missing. */
  let held: Line[] | null = null

  const isNews = ({ seq }: Line) => {
    if (last !== undefined && seq <= last) return false
    last = seq
    return true
  }
  const tell = (line: Line) => isNews(line) && listeners.new_message?.(line)
  function release() {
    const lines = held ?? []
    held = null
    lines.forEach(tell)
  }
  return {
    last: () => last,
    /** Tells what was held back: nothing more is to be had. */
    release,
    recent_chat_history(history: History) {
      const before = last
      const messages = history.messages.filter(isNews)
      // In a room without messages the next one is the first.
      if (!history.truncated) last ??= 0
      listeners.recent_chat_history?.({ ...history, messages })
      // Whoever comes for the first time gets the newest, everybody else what comes next.
      if (!history.truncated || before === undefined || before === last) return release()
      held ??= []
      goOn()
    },
    new_message(line: Line) {
      if (held) held.push(line)
      else tell(line)
    },
    message_deleted(deleted: Deleted) {
      held = held?.filter(({ seq }) => seq !== deleted.seq) ?? null
      listeners.message_deleted?.(deleted)
    },
  }
}
