"""Chat clients that stay in the room of one stream, with python-socketio. ../js/chat.mjs does the same with the official
JavaScript client, and describes the protocol of commands and reports."""
import asyncio
import contextlib
import json
import sys

import aiohttp
import socketio

ACK_TIMEOUT = 4
RETRY_DELAY = 0.3
LOST = (socketio.exceptions.SocketIOError, aiohttp.ClientError, OSError, ValueError)


class Client:
    def __init__(self, name, origin, token, transports, streamId):
        self.origin, self.token, self.transports, self.stream = origin, token, transports, streamId
        self.shown, self.acknowledged, self.tasks = [], {}, set()
        self.waiting, self.last, self.viewers, self.refused = 0, None, None, None
        # The history did not reach the present: new messages are skipped, because the rest of the history contains them.
        self.behind = False
        self.sio = None
        self.do(self.stay())

    def do(self, work):
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def stay(self):
        """Reconnects when the library does not: after a refusal, or if a server dies during a handshake."""
        while True:
            with contextlib.suppress(*LOST):
                await self.connect()
            await asyncio.sleep(RETRY_DELAY)

    async def connect(self):
        self.sio = sio = socketio.AsyncClient(
            handle_sigint=False, reconnection_delay=0.2, reconnection_delay_max=1, randomization_factor=0.1)
        sio.on('connect', lambda: self.do(self.join(sio)))
        sio.on('connect_error', self.on_refused)
        sio.on('recent_chat_history', self.catch_up)
        sio.on('new_message', self.on_message)
        sio.on('viewer_count_updated', self.count)
        try:
            auth = {'token': self.token} if self.token else None
            await sio.connect(self.origin, auth=auth, transports=self.transports, wait_timeout=ACK_TIMEOUT)
            await sio.wait()
        finally:
            with contextlib.suppress(*LOST):
                await sio.shutdown()

    def on_refused(self, why=None):
        self.refused = str(why)

    async def join(self, sio):
        """Joins the room, again and again until no messages are missing."""
        sid = sio.get_sid()
        while sid and sio.get_sid() == sid:
            room = {'streamId': self.stream} | ({} if self.last is None else {'afterSeq': self.last})
            joined = await self.ask('join_stream_room', room)
            if joined and not self.behind:
                return
            if not joined:
                await asyncio.sleep(RETRY_DELAY)

    def catch_up(self, history):
        messages = history['messages']
        # The first history holds the newest messages: earlier ones are not missing.
        first = self.last is None
        if first:
            self.last = messages[0]['seq'] - 1 if messages else 0
        for message in messages:
            self.show(message)
        self.behind = history['truncated'] and not first

    def on_message(self, message):
        if not self.behind:
            self.show(message)

    def show(self, message):
        if message['seq'] > self.last:
            self.last = message['seq']
            self.shown.append([message['seq'], message['id']])

    def count(self, update):
        self.viewers = update['count']

    async def send(self, id):
        self.waiting += 1
        message = {'streamId': self.stream, 'message': id, 'clientMessageId': id}
        while not (answer := await self.ask('chat_message', message)):
            await asyncio.sleep(RETRY_DELAY)
        self.acknowledged[id] = answer['id']
        self.waiting -= 1

    async def ask(self, event, data):
        """Returns the acknowledgement, or None if it is an error, is late, or the connection ended."""
        with contextlib.suppress(*LOST):
            answer = await self.sio.call(event, data, timeout=ACK_TIMEOUT)
            if answer['ok']:
                return answer
            self.refused = answer['code']
        return None

    async def cut(self):
        if self.sio.connected and self.sio.transport() == 'websocket':
            await self.sio.eio.ws.close()

    def status(self):
        return {
            'connected': self.sio is not None and self.sio.connected, 'last': self.last, 'waiting': self.waiting,
            'viewers': self.viewers, 'refused': self.refused,
        }

    def report(self):
        return {'shown': self.shown, 'acknowledged': self.acknowledged}


async def main():
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    clients = {}
    while line := await lines.readline():
        [(command, data)] = json.loads(line).items()
        if command == 'open':
            clients[data['name']] = Client(**data)
        elif command == 'send':
            client = clients[data['name']]
            client.do(client.send(data['id']))
        elif command == 'cut':
            client = clients[data['name']]
            client.do(client.cut())
        else:
            print(json.dumps({name: getattr(client, data)() for name, client in clients.items()}), flush=True)


asyncio.run(main())
