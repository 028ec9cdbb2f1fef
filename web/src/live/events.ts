// What travels over the socket.
import type { Schemas } from '../client/api'

export type Line = Schemas['ChatMessage']

interface Refusal {
  ok: false
  code: string
  message: string
}
export type Acknowledgement = { ok: true } | Refusal

/** Events of one stream's room; each names its stream. */
export interface RoomEvents {
  recent_chat_history: { streamId: number; messages: Line[]; truncated: boolean }
  new_message: Line
  message_deleted: { streamId: number; id: string; seq: number }
  viewer_count_updated: { streamId: number; count: number }
  stream_started: { streamId: number }
  stream_updated: { streamId: number; title: string }
  stream_ended_notification: { streamId: number; message: string }
  chat_settings_updated: { streamId: number; slowModeSeconds: number; followersOnly: boolean }
  user_banned: { streamId: number; userId: number; expiresAt: string | null }
}

interface OwnEvents {
  new_notification: Omit<Schemas['Notification'], 'isRead'>
  notification_read: { ids: number[]; all: boolean; unreadCount: number }
  token_expired: unknown
}

type Listeners<Events> = { [Name in keyof Events]: (data: Events[Name]) => void }
export type ServerEvents = Listeners<RoomEvents> & Listeners<OwnEvents>

type Asked = (answer: Acknowledgement) => void
export interface ClientEvents {
  join_notification_room: () => void
  join_stream_room: (room: { streamId: number; afterSeq?: number }, asked: Asked) => void
  leave_stream_room: (room: { streamId: number }) => void
  chat_message: (message: { streamId: number; message: string; clientMessageId: string }, asked: Asked) => void
  authenticate: (session: { token: string }, asked: Asked) => void
}
