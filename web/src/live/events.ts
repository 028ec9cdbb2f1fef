// The socket events, as the gateway describes them.
import type { components } from './schema'

type Schemas = components['schemas']
type Payloads = Schemas['ServerEvents']
type Requests = Schemas['ClientEvents']

export type ChatMessage = Payloads['new_message']
export type Ack = Requests['chat_message']['answer']

/** Events of one stream's room; each payload names its stream. */
export type RoomEvents = {
  [Name in keyof Payloads as Payloads[Name] extends { streamId: number } ? Name : never]: Payloads[Name]
}

export type ServerEvents = { [Name in keyof Payloads]: (data: Payloads[Name]) => void }

/** Events that the web client emits without asking for an acknowledgement. */
type WithoutAck = 'join_notification_room' | 'leave_stream_room'
type Data<Value> = unknown extends Value ? [] : [data: Value]
type Callback<Name extends keyof Requests> = Name extends WithoutAck
  ? []
  : [callback: (ack: Requests[Name]['answer']) => void]

export type ClientEvents = {
  [Name in keyof Requests]: (...args: [...Data<Requests[Name]['data']>, ...Callback<Name>]) => void
}
