"""A WebSocket client that says what it sees: the handshake's answer, every frame, the close code. It can also
misbehave: send frames as they must not be, answer no ping, read nothing."""

import base64
import hashlib
import json
import os
import socket
import struct
import time
import urllib.parse

from support.client import Answer, path_of

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
_TIMEOUT_SECONDS = 300
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Refused(Exception):
    """The handshake was answered with something else than 101; `answer` is that."""

    def __init__(self, answer):
        super().__init__(repr(answer))
        self.answer = answer


class Closed(Exception):
    """The connection has ended: with a close frame, or without (`code` is None)."""

    def __init__(self, code, reason=""):
        super().__init__(f"{code} {reason}")
        self.code, self.reason = code, reason


def ws_path(agent, after=None):
    return path_of("agents", agent, "ws") + ("" if after is None else f"?after={urllib.parse.quote(after)}")


def handshake(path, key, headers=None, omit=()):
    """The bytes of a request, and the key that was made up for it."""
    nonce = base64.b64encode(os.urandom(16))
    fields = {"Host": "localhost", "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
              "Sec-WebSocket-Key": nonce.decode()}
    if key is not None:
        fields["Authorization"] = f"Bearer {key}"
    fields.update(headers or {})
    lines = [f"GET {path} HTTP/1.1"] + [f"{name}: {value}" for name, value in fields.items() if name not in omit]
    return ("\r\n".join(lines) + "\r\n\r\n").encode(), nonce


class WebSocket:
    """Open when constructed, or Refused is raised."""

    def __init__(self, url, agent, key, *, after=None, headers=None, omit=(), receive_buffer=None, path=None):
        parts = urllib.parse.urlsplit(url)
        self.socket = socket.socket()
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(_TIMEOUT_SECONDS)
        self.answers_pings = True
        self.pings = 0
        self._rest = b""
        try:
            self.socket.connect((parts.hostname, parts.port))
            request, nonce = handshake(path or ws_path(agent, after), key, headers, omit)
            self.socket.sendall(request)
            self.answer = self._read_answer()
        except BaseException:
            self.socket.close()
            raise
        if self.answer.status != 101:
            self.socket.close()
            raise Refused(self.answer)
        expected = base64.b64encode(hashlib.sha1(nonce + _GUID).digest()).decode()
        assert self.answer.headers["sec-websocket-accept"] == expected, self.answer.headers

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def _fill(self, count):
        """What is half read stays, also when the time is over."""
        while len(self._rest) < count:
            chunk = self.socket.recv(65536)
            if not chunk:
                raise Closed(None)
            self._rest += chunk

    def _take(self, count):
        self._fill(count)
        taken, self._rest = self._rest[:count], self._rest[count:]
        return taken

    def _read_answer(self):
        while b"\r\n\r\n" not in self._rest:
            self._fill(len(self._rest) + 1)
        head, _, self._rest = self._rest.partition(b"\r\n\r\n")
        status_line, *fields = head.decode().split("\r\n")
        headers = [tuple(field.split(": ", 1)) for field in fields]
        status = int(status_line.split()[1])
        length = int(dict((name.lower(), value) for name, value in headers).get("content-length", 0))
        return Answer(status, headers, self._take(length) if status != 101 else b"")

    def frame(self):
        """The next frame as (opcode, payload). Servers do not mask, and we are sent no fragments."""
        try:
            self._fill(2)
            first, second = self._rest[:2]
            assert first & 0xF0 == 0x80 and not second & 0x80, "whole and unmasked"
            head, length = 2, second & 0x7F
            if length >= 126:
                head = 4 if length == 126 else 10
                self._fill(head)
                length = int.from_bytes(self._rest[2:head], "big")
            return first & 0x0F, self._take(head + length)[head:]
        except ConnectionError:
            raise Closed(None) from None

    def text(self, timeout=_TIMEOUT_SECONDS):
        """The bytes of the next text frame. Raises Closed, or TimeoutError."""
        until = time.monotonic() + timeout
        while True:
            self.socket.settimeout(max(0.001, until - time.monotonic()))
            opcode, payload = self.frame()
            if opcode == TEXT:
                return payload
            if opcode == PING:
                self.pings += 1
                if self.answers_pings:
                    self.send(PONG, payload)
            elif opcode == CLOSE:
                code = struct.unpack(">H", payload[:2])[0] if payload else None
                try:
                    self.send(CLOSE, payload)
                except OSError:
                    pass
                self.socket.close()
                raise Closed(code, payload[2:].decode())

    def event(self, timeout=_TIMEOUT_SECONDS):
        return json.loads(self.text(timeout))

    def events(self, count):
        return [self.event() for _ in range(count)]

    def closing(self, timeout=_TIMEOUT_SECONDS):
        """Reads to the end; what Closed said: (code, reason)."""
        try:
            while True:
                self.text(timeout)
        except Closed as closed:
            return closed.code, closed.reason

    def silent(self, seconds=0.3):
        """Whether nothing comes for a while."""
        try:
            self.text(seconds)
            return False
        except TimeoutError:
            return True

    def send(self, opcode, payload=b"", *, first=None, masked=True):
        """One frame; `first` is a first byte that is not FIN with the opcode."""
        head = bytes([0x80 | opcode if first is None else first])
        mask_bit = 0x80 if masked else 0
        if len(payload) < 126:
            head += bytes([mask_bit | len(payload)])
        elif len(payload) < 65536:
            head += bytes([mask_bit | 126]) + struct.pack(">H", len(payload))
        else:
            head += bytes([mask_bit | 127]) + struct.pack(">Q", len(payload))
        if masked:
            mask = os.urandom(4)
            payload = mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
        self.socket.sendall(head + payload)

    def close(self, code=1000):
        """Closes in good order; the code that the server answered with."""
        self.send(CLOSE, struct.pack(">H", code))
        return self.closing()[0]
