#!/usr/bin/env python3
"""A receiver of webhooks for tests, on 127.0.0.1, and a DNS that names it.

The receiver is written from the contract's signing rule alone. What it does with a request depends on the path:

    /ok        204, when the signature is right; 401 otherwise
    /flaky/N   500 for the first N requests of an event, then as /ok
    /status/S  that status
    /hang      no answer until release(), or the end of the receiver
    /reset     a TCP reset in place of an answer
    /stream    200 and a body without an end
    /redirect  302 to /ok

Only Python's library and the openssl program are needed.
"""

import collections
import hashlib
import hmac
import http.server
import json
import pathlib
import shutil
import socket
import socketserver
import ssl
import struct
import subprocess
import tempfile
import threading
import time

HOST = "127.0.0.1"
ZONE = "hooks.test"  # every name in it is in the certificate
_TOLERANCE_SECONDS = 300

Received = collections.namedtuple("Received", "path headers body valid")


class BadSignature(Exception):
    """Why a request was refused."""


def verify(header, body, secrets, now=None):
    """Raises BadSignature unless one of the secrets signed the body (bytes), not long ago."""
    fields = [part.partition("=") for part in (header or "").split(",")]
    times = [value for name, _, value in fields if name == "t"]
    signatures = [value for name, _, value in fields if name == "v1"]
    if len(times) != 1 or not times[0].isdigit() or not signatures:
        raise BadSignature("malformed")
    if abs((time.time() if now is None else now) - int(times[0])) > _TOLERANCE_SECONDS:
        raise BadSignature("too old")
    signed = times[0].encode() + b"." + body
    expected = [hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() for secret in secrets]
    if not any(hmac.compare_digest(one, other) for one in expected for other in signatures):
        raise BadSignature("no secret fits")


class WebhookReceiver:
    def __init__(self):
        self.secrets = []  # any of them is good
        self.received = []  # in the order of their arrival
        self._lock = threading.Lock()
        self._over = threading.Event()

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="countersign-hooks-"))
        self.ca_file = self.folder / "cert.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
             "2", "-subj", "/CN=hooks", "-addext", f"subjectAltName=DNS:*.{ZONE}", "-keyout",
             self.folder / "key.pem", "-out", self.ca_file], check=True, capture_output=True)
        self._server = _Server(self)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def release(self):
        """Whoever hangs is let go."""
        self._over.set()

    def url(self, path, host="a"):
        name = host if "." in host else f"{host}.{ZONE}"
        return f"https://{name}:{self.port}{path}"

    def settings(self, *hosts):
        """Settings of a server that finds the receiver under these names of its zone."""
        zone = "\n".join(f"{host}.{ZONE}. A {HOST}" for host in hosts or ("a",))
        return {"webhooks__ca_file": self.ca_file, "webhooks__allow_private_addresses": "true",
                "dns__local_data": zone, "dns__timeout_ms": 60_000}

    def of(self, path):
        with self._lock:
            return [one for one in self.received if one.path == path]

    def events(self, path):
        """Event id → the bodies it came with."""
        bodies = collections.defaultdict(list)
        for one in self.of(path):
            bodies[json.loads(one.body)["id"]].append(one.body)
        return bodies

    def _note(self, path, headers, body):
        try:
            verify(headers.get("X-E2A-Signature"), body, self.secrets)
            valid = True
        except BadSignature:
            valid = False
        with self._lock:
            self.received.append(Received(path, dict(headers), body, valid))
        return valid


class _Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 512

    def __init__(self, receiver):
        self.receiver = receiver
        super().__init__((HOST, 0), _Handler)
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(receiver.ca_file, receiver.folder / "key.pem")

    def get_request(self):
        connection, address = super().get_request()
        connection.settimeout(600)
        return self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address

    def handle_error(self, request, client_address):
        pass  # clients that hang up are part of the play


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self):  # noqa: N802 (the name is the library's)
        receiver = self.server.receiver
        length = int(self.headers["Content-Length"])
        body = self.rfile.read(length)
        if len(body) < length:  # its sender died
            self.close_connection = True
            return
        valid = receiver._note(self.path, self.headers, body)
        kind, _, more = self.path.strip("/").partition("/")
        if kind == "hang":
            receiver._over.wait()
            self.close_connection = True
        elif kind == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            self.close_connection = True
        elif kind == "stream":
            self._stream()
        elif kind == "redirect":
            self._answer(302, Location=receiver.url("/ok"))
        elif kind == "status":
            self._answer(int(more))
        elif kind == "flaky" and self._seen(body) <= int(more):
            self._answer(500)
        else:
            self._answer(204 if valid else 401)

    def _seen(self, body):
        return len(self.server.receiver.events(self.path)[json.loads(body)["id"]])

    def _stream(self):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while not self.server.receiver._over.wait(0.01):
            self.wfile.write(b"400\r\n" + b"x" * 1024 + b"\r\n")

    def _answer(self, status, **fields):
        self.send_response(status)
        for name, value in fields.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class ChangingDns:
    """Answers every question for an A record with `address`, which may change, and no other at all (RFC 1035)."""

    def __init__(self, address):
        self.address = address

    def __enter__(self):
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((HOST, 0))
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._socket.sendto(b"", self._socket.getsockname())  # the end
        self._thread.join()
        self._socket.close()

    def _serve(self):
        while True:
            question, sender = self._socket.recvfrom(4096)
            if not question:
                return
            end = 12
            while question[end] != 0:
                end += question[end] + 1
            kind = struct.unpack(">H", question[end + 1:end + 3])[0]
            answers = [socket.inet_aton(self.address)] if kind == 1 else []
            head = question[:2] + struct.pack(">HHHHH", 0x8580, 1, len(answers), 0, 0)
            rows = b"".join(struct.pack(">HHHIH", 0xC00C, 1, 1, 0, 4) + data for data in answers)
            self._socket.sendto(head + question[12:end + 5] + rows, sender)
