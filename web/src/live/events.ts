// What travels over the socket, as the gateway describes it.
import type { components } from './schema'

type Schemas = components['schemas']
type Sent = Schemas['ServerEvents']
type Said = Schemas['ClientEvents']

export type Line = Sent['new_message']
export type Acknowledgement = Said['chat_message']['answer']

/** Events of one stream's room; each names its stream. */
export type RoomEvents = {
  [Name in keyof Sent as Sent[Name] extends { streamId: number } ? Name : never]: Sent[Name]
}

export type ServerEvents = { [Name in keyof Sent]: (data: Sent[Name]) => void }

/** What the page says without asking how it went. */
type Told = 'join_notification_room' | 'leave_stream_room'
type Data<Value> = unknown extends Value ? [] : [data: Value]
type Asked<Name extends keyof Said> = Name extends Told ? [] : [asked: (answer: Said[Name]['answer']) => void]

export type ClientEvents = {
  [Name in keyof Said]: (...said: [...Data<Said[Name]['data']>, ...Asked<Name>]) => void
}
