// Idiomatic chat with socket.io: verifies a token when a socket connects, stores a message with majority
// write concern, then sends it to the room and acknowledges it. Listens on a free loopback port and prints
// it.
//
// Environment: SIGNING_KEY (Ed25519, PKCS#8 PEM in base64, which signs the accepted tokens), MONGODB_URL,
// MONGODB_DATABASE.

import { createPrivateKey, createPublicKey, verify } from 'node:crypto'
import { createServer } from 'node:http'
import { MongoClient } from 'mongodb'
import { Server } from 'socket.io'

const { SIGNING_KEY, MONGODB_URL, MONGODB_DATABASE } = process.env
// The key's 32 bytes as PKCS#8 version 1 (RFC 8410, section 7): OpenSSL cannot read version 2, which adds the
// public key.
const pem = Buffer.from(SIGNING_KEY, 'base64').toString()
const seed = Buffer.from(pem.replace(/-----[A-Z ]+-----/g, ''), 'base64').subarray(16, 48)
const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed])
const key = createPublicKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }))
const mongo = await new MongoClient(MONGODB_URL).connect()
const messages = mongo.db(MONGODB_DATABASE).collection('peer_messages', { writeConcern: { w: 'majority' } })
// Messages of an earlier run have the same sequence numbers.
await messages.deleteMany({})
await messages.createIndex({ streamId: 1, seq: 1 }, { unique: true })
const latestSeq = new Map()

function user(token) {
  const [head, claims, signature] = token.split('.')
  const valid = verify(null, Buffer.from(`${head}.${claims}`), key, Buffer.from(signature, 'base64url'))
  const parsed = valid ? JSON.parse(Buffer.from(claims, 'base64url')) : {}
  return parsed.exp > Date.now() / 1000 ? parsed : null
}

const http = createServer()
const io = new Server(http, { transports: ['websocket'], perMessageDeflate: false })

io.use((socket, next) => {
  const { token } = socket.handshake.auth
  if (token) socket.data.user = user(token)
  next(token && !socket.data.user ? new Error('auth.token_invalid') : undefined)
})

io.on('connection', (socket) => {
  socket.on('join_stream_room', async ({ streamId }, done) => {
    await socket.join(`${streamId}`)
    done({ ok: true, streamId })
  })
  socket.on('chat_message', async ({ streamId, message }, done) => {
    const author = socket.data.user
    if (!author) return done({ ok: false, code: 'auth.required' })
    const seq = (latestSeq.get(streamId) ?? 0) + 1
    latestSeq.set(streamId, seq)
    const timestamp = new Date()
    const row = { streamId, seq, userId: Number(author.sub), username: author.username, message, timestamp }
    const { insertedId } = await messages.insertOne(row)
    const { _id, ...rest } = row
    io.to(`${streamId}`).emit('new_message', { id: insertedId.toString(), ...rest })
    done({ ok: true, id: insertedId.toString(), seq })
  })
})

http.listen(0, '127.0.0.1', () => console.log(http.address().port))
