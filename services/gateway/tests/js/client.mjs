// A Socket.IO client, controlled over standard input and output with one JSON value per line.
//   in:  {"emit": event, "data": value, "id": n}      emits; with an id, requests an acknowledgement
//        {"burst": event, "data": [value…], "id": n}  emits all at once; replies with all acknowledgements, in order
//        {"close": true} and {"open": true}
//   out: {"event": name, "data": value}               every event of the server, and connect, connect_error and
//                                                     disconnect; connect_error has "transport": true if the
//                                                     transport failed, with a message of the client itself
//        {"ack": n, "data": value}
// Environment: ORIGIN, SOCKET_PATH, AUTH (JSON), QUERY (JSON), HEADERS (JSON), TRANSPORT, and EAGER (a JSON list of
// [event, data] to emit in the connect handler, before any input is read).
import readline from 'node:readline'
import { io } from 'socket.io-client'

const print = (value) => process.stdout.write(`${JSON.stringify(value)}\n`)
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
  print({ event: 'connect', data: { id: socket.id, transport: socket.io.engine.transport.name } })
})
socket.on('connect_error', ({ message, type }) =>
  print({ event: 'connect_error', data: { message }, transport: type === 'TransportError' }))
socket.on('disconnect', (reason) => print({ event: 'disconnect', data: { reason } }))
socket.onAny((event, data) => print({ event, data }))

readline.createInterface({ input: process.stdin }).on('line', async (line) => {
  const { close, open, burst, emit, data, id } = JSON.parse(line)
  if (close) socket.disconnect()
  else if (open) socket.connect()
  else if (burst) print({ ack: id, data: await Promise.all(data.map((one) => socket.timeout(10000).emitWithAck(burst, one))) })
  else if (id === undefined) socket.emit(emit, data)
  else socket.emit(emit, data, (answer) => print({ ack: id, data: answer }))
}).on('close', () => process.exit(0))
