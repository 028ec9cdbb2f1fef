// Chat clients that stay in the room of one stream: official Socket.IO clients that reconnect by themselves.
// Reads commands from standard input and writes answers to standard output, one JSON value per line.
// ../python/chat.py does the same with python-socketio.
//
//   in:  {"open": {name, origin, token, transports, streamId}}   token and transports may be null
//        {"send": {name, id}}     sends a message and repeats it with that clientMessageId until acknowledged
//        {"cut": {name}}          closes the client's connection
//        {"ask": "status" | "report"}
//   out: one line per question, an object with one entry per client name:
//        status  {connected, last: seq or null, waiting: sends, viewers: count or null, refused: code or null}
//        report  {shown: [[seq, id]…] in the order shown, acknowledged: {clientMessageId: id}}
import readline from 'node:readline'
import { io } from 'socket.io-client'

const ACK_TIMEOUT_MS = 4000
const RETRY_DELAY_MS = 300
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

class Client {
  shown = []
  acknowledged = {}
  waiting = 0
  last = null
  viewers = null
  refused = null
  // The history did not reach the present: new messages are skipped, because the rest of the history contains
  // them.
  behind = false

  constructor({ origin, token, transports, streamId }) {
    this.streamId = streamId
    this.socket = io(origin, {
      forceNew: true,
      auth: token ? { token } : {},
      ...(transports && { transports }),
      reconnectionDelay: 200,
      reconnectionDelayMax: 1000,
      timeout: 5000,
    })
    this.socket.on('connect', () => this.join())
    this.socket.on('connect_error', ({ message }) => this.onRefused(message))
    this.socket.on('disconnect', (reason) => reason === 'io server disconnect' && this.onRefused(reason))
    this.socket.on('recent_chat_history', (history) => this.catchUp(history))
    this.socket.on('new_message', (message) => this.behind || this.show(message))
    this.socket.on('viewer_count_updated', ({ count }) => {
      this.viewers = count
    })
  }

  /** The library does not reconnect by itself after a refusal or a disconnect by the server. */
  async onRefused(why) {
    this.refused = why
    if (this.socket.active) return
    await sleep(RETRY_DELAY_MS)
    this.socket.connect()
  }

  /** Joins the room, again and again until no messages are missing. */
  async join() {
    const { id } = this.socket
    while (this.socket.id === id) {
      const joined = await this.ask('join_stream_room', {
        streamId: this.streamId,
        afterSeq: this.last ?? undefined,
      })
      if (joined && !this.behind) return
      if (!joined) await sleep(RETRY_DELAY_MS)
    }
  }

  catchUp({ messages, truncated }) {
    // The first history holds the newest messages: earlier ones are not missing.
    const first = this.last === null
    if (first) this.last = (messages[0]?.seq ?? 1) - 1
    for (const message of messages) this.show(message)
    this.behind = truncated && !first
  }

  show({ seq, id }) {
    if (seq <= this.last) return
    this.last = seq
    this.shown.push([seq, id])
  }

  async send(id) {
    this.waiting += 1
    const data = { streamId: this.streamId, message: id, clientMessageId: id }
    let answer = await this.ask('chat_message', data)
    while (!answer) {
      await sleep(RETRY_DELAY_MS)
      answer = await this.ask('chat_message', data)
    }
    this.acknowledged[id] = answer.id
    this.waiting -= 1
  }

  /** Returns the acknowledgement, or null if it is an error, is late, or the connection ended. */
  async ask(event, data) {
    try {
      const answer = await this.socket.timeout(ACK_TIMEOUT_MS).emitWithAck(event, data)
      if (answer.ok) return answer
      this.refused = answer.code
    } catch {
      // The caller tries again.
    }
    return null
  }

  cut() {
    if (this.socket.connected) this.socket.io.engine.close()
  }

  get status() {
    const {
      socket: { connected },
      last,
      waiting,
      viewers,
      refused,
    } = this
    return { connected, last, waiting, viewers, refused }
  }

  get report() {
    const { shown, acknowledged } = this
    return { shown, acknowledged }
  }
}

const clients = new Map()

readline
  .createInterface({ input: process.stdin })
  .on('line', (line) => {
    const { open, send, cut, ask } = JSON.parse(line)
    if (open) clients.set(open.name, new Client(open))
    else if (send) clients.get(send.name).send(send.id)
    else if (cut) clients.get(cut.name).cut()
    else if (ask)
      process.stdout.write(
        `${JSON.stringify(Object.fromEntries([...clients].map(([name, client]) => [name, client[ask]])))}\n`,
      )
  })
  .on('close', () => process.exit(0))
