// One Socket.IO client, driven over standard input and output, one JSON value a line.
//   in:  {"emit": event, "data": value, "id": n}   emits; with an id, asks for an acknowledgement
//        {"burst": event, "data": [value…], "id": n}  emits all at once; answers with all acknowledgements, in order
//        {"close": true} and {"open": true}
//   out: {"event": name, "data": value}            everything that the server sends, and connect, connect_error, disconnect;
//                                                  connect_error says whether the transport failed (its words are the client's)
//        {"ack": n, "data": value}
// Environment: ORIGIN, SOCKET_PATH, AUTH (JSON), QUERY (JSON), HEADERS (JSON), TRANSPORT, EAGER (JSON list of [event, data] that
// are emitted in the connect handler, before anything else is read).
import readline from 'node:readline'
import { io } from 'socket.io-client'

const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`)
const env = (name) => JSON.parse(process.env[name] || '{}')

const socket = io(process.env.ORIGIN, {
  path: process.env.SOCKET_PATH || '/socket.io/',
  auth: env('AUTH'),
  query: env('QUERY'),
  extraHeaders: env('HEADERS'),
  reconnection: false,
  ...(process.env.TRANSPORT && { transports: process.env.TRANSPORT.split(',') }),
})
socket.on('connect', () => {
  for (const [event, data] of JSON.parse(process.env.EAGER || '[]')) socket.emit(event, data)
  say({ event: 'connect', data: { id: socket.id, transport: socket.io.engine.transport.name } })
})
socket.on('connect_error', ({ message, type }) =>
  say({ event: 'connect_error', data: { message }, transport: type === 'TransportError' }))
socket.on('disconnect', (reason) => say({ event: 'disconnect', data: { reason } }))
socket.onAny((event, data) => say({ event, data }))

readline.createInterface({ input: process.stdin }).on('line', async (line) => {
  const { close, open, burst, emit, data, id } = JSON.parse(line)
  if (close) socket.disconnect()
  else if (open) socket.connect()
  else if (burst) say({ ack: id, data: await Promise.all(data.map((one) => socket.timeout(10000).emitWithAck(burst, one))) })
  else if (id === undefined) socket.emit(emit, data)
  else socket.emit(emit, data, (answer) => say({ ack: id, data: answer }))
}).on('close', () => process.exit(0))
