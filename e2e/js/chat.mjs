// People in the room of one stream who stay whatever happens: official clients that connect again by themselves. Driven over standard
// input and output, one JSON value a line. ../python/chat.py is the same with python-socketio.
//   in:  {"open": {name, origin, token, transports, streamId}}   somebody comes; token and transports may be null
//        {"send": {name, id}}     says the id, and repeats it under that clientMessageId until it is acknowledged
//        {"cut": {name}}          closes the connection, not the client
//        {"ask": "status" | "report"}
//   out: one line for each question, by name:
//        status  {connected, last: seq or null, waiting: sends, viewers: count or null, refused: code or null}
//        report  {shown: [[seq, id]…] in the order shown, acknowledged: {clientMessageId: id}}
import readline from 'node:readline'
import { io } from 'socket.io-client'

const ANSWER_MS = 4000
const PAUSE_MS = 300
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

class Client {
  shown = []
  acknowledged = {}
  waiting = 0
  last = null
  viewers = null
  refused = null
  // The history did not reach up to now: what comes live meanwhile comes again with the rest of it.
  behind = false

  constructor({ origin, token, transports, streamId }) {
    this.streamId = streamId
    this.socket = io(origin, {
      forceNew: true, auth: token ? { token } : {}, ...(transports && { transports }),
      reconnectionDelay: 200, reconnectionDelayMax: 1000, timeout: 5000,
    })
    this.socket.on('connect', () => this.join())
    this.socket.on('connect_error', ({ message }) => this.turnedAway(message))
    this.socket.on('disconnect', (reason) => reason === 'io server disconnect' && this.turnedAway(reason))
    this.socket.on('recent_chat_history', (history) => this.catchUp(history))
    this.socket.on('new_message', (message) => this.behind || this.show(message))
    this.socket.on('viewer_count_updated', ({ count }) => { this.viewers = count })
  }

  /** After the server's own word the library does not come back by itself. */
  async turnedAway(why) {
    this.refused = why
    if (this.socket.active) return
    await sleep(PAUSE_MS)
    this.socket.connect()
  }

  /** Comes into the room, and does so until all that was said meanwhile is there. */
  async join() {
    const { id } = this.socket
    while (this.socket.id === id) {
      const joined = await this.ask('join_stream_room', { streamId: this.streamId, afterSeq: this.last ?? undefined })
      if (joined && !this.behind) return
      if (!joined) await sleep(PAUSE_MS)
    }
  }

  catchUp({ messages, truncated }) {
    // Who comes for the first time gets the newest, and begins there.
    const first = this.last === null
    if (first) this.last = (messages[0]?.seq ?? 1) - 1
    messages.forEach((message) => this.show(message))
    this.behind = truncated && !first
  }

  show({ seq, id }) {
    if (seq <= this.last) return
    this.last = seq
    this.shown.push([seq, id])
  }

  async send(id) {
    this.waiting += 1
    let answer
    while (!(answer = await this.ask('chat_message', { streamId: this.streamId, message: id, clientMessageId: id }))) await sleep(PAUSE_MS)
    this.acknowledged[id] = answer.id
    this.waiting -= 1
  }

  /** The acknowledgement; none when it was no, came too late, or the connection ended. */
  async ask(event, data) {
    try {
      const answer = await this.socket.timeout(ANSWER_MS).emitWithAck(event, data)
      if (answer.ok) return answer
      this.refused = answer.code
    } catch { /* The caller asks again. */ }
    return null
  }

  cut() {
    if (this.socket.connected) this.socket.io.engine.close()
  }

  get status() {
    const { socket: { connected }, last, waiting, viewers, refused } = this
    return { connected, last, waiting, viewers, refused }
  }

  get report() {
    const { shown, acknowledged } = this
    return { shown, acknowledged }
  }
}

const clients = new Map()

readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const { open, send, cut, ask } = JSON.parse(line)
  if (open) clients.set(open.name, new Client(open))
  else if (send) clients.get(send.name).send(send.id)
  else if (cut) clients.get(cut.name).cut()
  else if (ask) process.stdout.write(`${JSON.stringify(Object.fromEntries([...clients].map(([name, client]) => [name, client[ask]])))}\n`)
}).on('close', () => process.exit(0))
