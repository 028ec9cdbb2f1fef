// A Socket.IO client. Reads commands from standard input and writes events to standard output, one JSON value
// per line.
//
//   in:  {"emit": event, "data": value, "id": n}   emits with an acknowledgement
//        {"close": true}
//   out: {"event": name, "data": value}            every event, and connect, connect_error, disconnect
//        {"ack": n, "data": value}
//
// Environment: ORIGIN, TOKEN (empty for a guest), TRANSPORT (websocket or polling; empty: both).
import readline from 'node:readline'
import { io } from 'socket.io-client'

const write = (value) => process.stdout.write(`${JSON.stringify(value)}\n`)

const transports = process.env.TRANSPORT ? [process.env.TRANSPORT] : undefined
const auth = process.env.TOKEN ? { token: process.env.TOKEN } : {}
const socket = io(process.env.ORIGIN, { auth, reconnection: false, ...(transports && { transports }) })

socket.on('connect', () => write({ event: 'connect', data: { id: socket.id } }))
socket.on('connect_error', (error) => write({ event: 'connect_error', data: { message: error.message } }))
socket.on('disconnect', (reason) => write({ event: 'disconnect', data: { reason } }))
socket.onAny((event, data) => write({ event, data }))

readline
  .createInterface({ input: process.stdin })
  .on('line', (line) => {
    const command = JSON.parse(line)
    if (command.close) socket.disconnect()
    else socket.emit(command.emit, command.data, (data) => write({ ack: command.id, data }))
  })
  .on('close', () => process.exit(0))
