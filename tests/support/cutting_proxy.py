"""A TCP proxy that cuts a connection at an exact place of either stream.

    with CuttingProxy("127.0.0.1", port) as proxy:
        proxy.port
        proxy.judge = cut_after_bytes(CLIENT, 100)     # for connections made from now on
        proxy.judge = PostgresMessages(SERVER, 7, forward=False)

A judge is asked about every piece of every stream and says how much of it is passed on, and whether the connection
is cut behind that. What is passed on before a cut is delivered; both ends then see the connection end.
"""

import asyncio
import collections
import threading

CLIENT, SERVER = "client", "server"  # who sends
_PIECE_BYTES = 65536


class CuttingProxy:
    def __init__(self, host, port):
        self.judge = None
        self.port = None
        self.cuts = 0
        self.transcripts = []  # per connection: {CLIENT: bytes, SERVER: bytes} as received
        self._target = (host, port)
        self._loop = asyncio.new_event_loop()
        self._open = set()
        self._server = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        ready = threading.Event()
        self._loop.call_soon(lambda: self._loop.create_task(self._listen(ready)))
        self._thread.start()
        ready.wait()
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self):
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        self._server.close()
        for writer in self._open:
            writer.transport.abort()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))

    async def _listen(self, ready):
        self._server = await asyncio.start_server(self._link, "127.0.0.1", 0, backlog=512)
        self.port = self._server.sockets[0].getsockname()[1]
        ready.set()

    async def _link(self, client_reader, client_writer):
        judge = self.judge  # of this connection, also when it is replaced meanwhile
        number = len(self.transcripts)
        self.transcripts.append(collections.defaultdict(bytes))
        try:
            server_reader, server_writer = await asyncio.open_connection(*self._target)
        except OSError:
            client_writer.transport.abort()
            return
        writers = (client_writer, server_writer)
        self._open.update(writers)
        link = [asyncio.create_task(self._pump(number, judge, CLIENT, client_reader, server_writer)),
                asyncio.create_task(self._pump(number, judge, SERVER, server_reader, client_writer))]
        await asyncio.wait(link, return_when=asyncio.FIRST_COMPLETED)
        for task in link:
            task.cancel()
        for writer in writers:
            self._open.discard(writer)
            writer.close()  # behind what was passed on

    async def _pump(self, number, judge, sender, reader, writer):
        held_back = b""
        try:
            while data := await reader.read(_PIECE_BYTES):
                self.transcripts[number][sender] += data
                asked = self.judge if judge is None or judge.follows_connections else judge
                if asked is None:
                    passed, cut = held_back + data, False
                    held_back = b""
                else:
                    passed, held_back, cut = asked.decide((number, sender), sender, held_back + data)
                writer.write(passed)
                if cut:
                    self.cuts += 1
                    return
                await writer.drain()
        except OSError:
            return


class CutAfterBytes:
    """Cuts one connection once that many bytes of its stream were passed on; later connections are left alone."""

    follows_connections = False

    def __init__(self, sender, number):
        self._sender = sender
        self._left = number
        self._of = None  # the connection that is cut

    def decide(self, stream, sender, data):
        if self._of is None:
            self._of = stream[0]
        if stream[0] != self._of or sender != self._sender:
            return data, b"", False
        passed = data[:self._left]
        self._left -= len(passed)
        return passed, b"", self._left == 0


class PostgresMessages:
    """Cuts whatever connection carries the nth message of `sender` from now on, before or behind that message
    (PostgreSQL 15, chapter 55: a type, then a length; the first message of a client has no type, and the proxy sees
    none of those while this judges)."""

    follows_connections = True

    def __init__(self, sender, nth, *, forward):
        self._sender = sender
        self._nth = nth
        self._forward = forward
        self.seen = 0
        self.types = []  # of the messages counted

    def decide(self, stream, sender, data):
        if sender != self._sender or self.seen >= self._nth:
            return data, b"", False
        at = 0
        while len(data) - at >= 5:
            if sender == CLIENT and data[at] == 0:  # the start of a new connection
                length = int.from_bytes(data[at:at + 4])
                at += length
                continue
            length = 1 + int.from_bytes(data[at + 1:at + 5])
            if len(data) - at < length:
                break
            self.seen += 1
            self.types.append(chr(data[at]))
            if self.seen == self._nth:
                return data[:at + (length if self._forward else 0)], b"", True
            at += length
        return data[:at], data[at:], False
