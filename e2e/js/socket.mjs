// One Socket.IO client, driven over standard input and output, one JSON value a line.
//   in:  {"emit": event, "data": value, "id": n}   emits with an acknowledgement
//        {"close": true}
//   out: {"event": name, "data": value}            everything that the server sends, and connect, connect_error, disconnect
//        {"ack": n, "data": value}
// Environment: ORIGIN, TOKEN (empty for a guest), TRANSPORT (websocket or polling; both when empty).
import readline from 'node:readline'
import { io } from 'socket.io-client'

const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`)

const transports = process.env.TRANSPORT ? [process.env.TRANSPORT] : undefined
const auth = process.env.TOKEN ? { token: process.env.TOKEN } : {}
const socket = io(process.env.ORIGIN, { auth, reconnection: false, ...(transports && { transports }) })

socket.on('connect', () => say({ event: 'connect', data: { id: socket.id } }))
socket.on('connect_error', (error) => say({ event: 'connect_error', data: { message: error.message } }))
socket.on('disconnect', (reason) => say({ event: 'disconnect', data: { reason } }))
socket.onAny((event, data) => say({ event, data }))

readline
  .createInterface({ input: process.stdin })
  .on('line', (line) => {
    const command = JSON.parse(line)
    if (command.close) socket.disconnect()
    else socket.emit(command.emit, command.data, (data) => say({ ack: command.id, data }))
  })
  .on('close', () => process.exit(0))
