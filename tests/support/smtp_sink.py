"""An SMTP server that keeps an exact record of what it took, and for whom.

It takes a message when it has read the line with the final dot, and from then on has it, whether or not its 250
arrives anywhere (RFC 5321 §6.1): the record is written before the answer. It can demand AUTH PLAIN, be slow, and
lose its answers.

    with SmtpSink() as sink:
        sink.port
        sink.copies()       # {(message id, recipient): number of copies taken}

One thread of its own; everything public may be called from any thread.
"""

import asyncio
import base64
import collections
import re
import threading
import time

HOST = "127.0.0.1"
_LINE_BYTES_MAX = 8192
_MESSAGE_BYTES_MAX = 50_000_000
_MESSAGE_ID = re.compile(rb"^X-E2A-Message-ID: *([^\r\n ]+)", re.IGNORECASE | re.MULTILINE)


class SmtpSink:
    def __init__(self, *, credentials=None, pipelining=True):
        self.port = None
        self.credentials = credentials  # (user, password), or None: nobody has to say who they are
        self.pipelining = pipelining
        self.final_dot_pause_seconds = 0.0  # between taking a message and answering
        self.sessions = 0
        self.failed_logins = 0
        self.last_answer_at = 0.0  # time.monotonic() when the last 250 was given
        self._lose_answers = 0
        self._taken = []  # (message id, recipient, session, raw message)
        self._lock = threading.Lock()
        self._loop = asyncio.new_event_loop()
        self._server = None
        self._connections = set()
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

    # What may be asked of it.

    def copies(self):
        """How often each (message id, recipient) was taken."""
        with self._lock:
            return collections.Counter((message, recipient) for message, recipient, _, _ in self._taken)

    def copies_of(self, message_id):
        with self._lock:
            return collections.Counter(r for message, r, _, _ in self._taken if message == message_id)

    def raw_of(self, message_id):
        with self._lock:
            return [raw for message, _, _, raw in self._taken if message == message_id]

    def taken(self):
        """How many messages were taken, counting each recipient."""
        with self._lock:
            return len(self._taken)

    def lose_answers(self, number):
        """The next final dots are followed by a reset instead of their 250, once the message is taken."""
        with self._lock:
            self._lose_answers += number

    def set_password(self, password):
        with self._lock:
            self.credentials = (self.credentials[0], password)

    def cut_all(self):
        """Resets every connection."""
        self._loop.call_soon_threadsafe(self._cut_all)

    # The server.

    def _run(self):
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        self._cut_all()
        self._server.close()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))

    async def _listen(self, ready):
        self._server = await asyncio.start_server(self._serve, HOST, 0, limit=_LINE_BYTES_MAX, backlog=512)
        self.port = self._server.sockets[0].getsockname()[1]
        ready.set()

    def _cut_all(self):
        for writer in list(self._connections):
            writer.transport.abort()

    async def _serve(self, reader, writer):
        self._connections.add(writer)
        self.sessions += 1
        try:
            await _Session(self, self.sessions, reader, writer).run()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError,
                asyncio.CancelledError):
            pass  # the client is gone, or is none
        finally:
            self._connections.discard(writer)
            writer.close()

    def take(self, recipients, raw, session):
        """Returns whether the answer is to be lost."""
        found = _MESSAGE_ID.search(raw.partition(b"\r\n\r\n")[0])
        message_id = found.group(1).decode() if found else ""
        with self._lock:
            for recipient in recipients:
                self._taken.append((message_id, recipient, session, raw))
            lost = self._lose_answers > 0
            self._lose_answers -= int(lost)
            return lost


class _Session:
    def __init__(self, sink, number, reader, writer):
        self.sink = sink
        self.number = number
        self.reader = reader
        self.writer = writer
        self.authenticated = sink.credentials is None
        self.sender = None
        self.recipients = []

    async def say(self, line):
        self.writer.write(line.encode() + b"\r\n")
        await self.writer.drain()

    async def run(self):
        await self.say("220 sink.test ESMTP")
        while True:
            line = await self.reader.readuntil(b"\r\n")
            verb, _, rest = line[:-2].decode("utf-8", "replace").partition(" ")
            handler = getattr(self, "do_" + verb.lower(), None)
            if handler is None:
                await self.say("502 5.5.2 not known here")
            elif await handler(rest):
                return

    async def do_ehlo(self, _):
        offers = ["sink.test", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES"]
        offers += ["PIPELINING"] if self.sink.pipelining else []
        offers += ["AUTH PLAIN"] if self.sink.credentials else []
        for offer in offers[:-1]:
            self.writer.write(f"250-{offer}\r\n".encode())
        await self.say("250 " + offers[-1])

    async def do_auth(self, rest):
        mechanism, _, initial = rest.partition(" ")
        _, user, password = base64.b64decode(initial).decode().split("\0")
        if mechanism.upper() == "PLAIN" and (user, password) == self.sink.credentials:
            self.authenticated = True
            await self.say("235 2.7.0 welcome")
        else:
            self.sink.failed_logins += 1
            await self.say("535 5.7.8 authentication failed")

    async def do_mail(self, rest):
        if not self.authenticated:
            await self.say("530 5.7.0 authentication required")
            return
        self.sender, self.recipients = rest, []
        await self.say("250 2.1.0 sender ok")

    async def do_rcpt(self, rest):
        if self.sender is None:
            await self.say("503 5.5.1 MAIL first")
            return
        self.recipients.append(rest[rest.index("<") + 1:rest.rindex(">")])
        await self.say("250 2.1.5 recipient ok")

    async def do_rset(self, _):
        self.sender, self.recipients = None, []
        await self.say("250 2.0.0 forgotten")

    async def do_noop(self, _):
        await self.say("250 2.0.0 ok")

    async def do_quit(self, _):
        await self.say("221 2.0.0 bye")
        return True

    async def do_data(self, _):
        if not self.recipients:
            await self.say("503 5.5.1 RCPT first")
            return False
        await self.say("354 go ahead")
        lines, size = [], 0
        while (line := await self.reader.readuntil(b"\r\n")) != b".\r\n":
            lines.append(line[1:] if line.startswith(b".") else line)
            size += len(line)
            if size > _MESSAGE_BYTES_MAX:
                return True
        lost = self.sink.take(self.recipients, b"".join(lines), self.number)
        self.sender, self.recipients = None, []
        if self.sink.final_dot_pause_seconds:
            await asyncio.sleep(self.sink.final_dot_pause_seconds)
        if lost:
            self.writer.transport.abort()
            return True
        await self.say(f"250 2.0.0 Ok: queued as S{self.sink.taken():010d}")
        self.sink.last_answer_at = time.monotonic()
        return False
