"""What the stand-ins for providers over HTTP have in common: a server on 127.0.0.1, faults on demand, what was
accepted, and a way to be driven by other programs.

Faults are dictionaries, used in order, each for `times` requests that send (default 1; 0: until replaced):

    {"kind": "refuse", "status": 400, "name": "MessageRejected", "message": "…"}   answered, not accepted
    {"kind": "delay", "seconds": 0.5}          accepted and answered, late; the work is begun before the pause
    {"kind": "delay", "until": callable}       the same when it says True
    {"kind": "reset_before"}                   read, not accepted, connection reset
    {"kind": "reset_after"}                    accepted, connection reset without an answer
    {"kind": "half_answer"}                    accepted, half of the answer, connection closed
    {"kind": "unreadable_answer"}              accepted, an answer that is no JSON

`"everything": true` lets a fault meet requests that do not send, too. `"probability": 0.2` lets it meet that
share of requests, drawn from the stand-in's own seeded generator.

Over HTTP, for other processes:  GET /_control/accepted · GET /_control/counts · PUT /_control/faults (a list) ·
PUT /_control/settings (an object; see the subclass)

As a program a stand-in prints what a client needs as one line of JSON and stops when its standard input ends.
"""

import argparse
import base64
import copy
import http.server
import json
import os
import random
import signal
import socket
import struct
import sys
import threading
import time
import uuid

HOST = "127.0.0.1"
BODY_BYTES_MAX = 40 * 1024 * 1024
PAUSE_SECONDS_MAX = 300


class Refusal(Exception):
    """What the provider answers instead of accepting."""

    def __init__(self, status, name, message):
        super().__init__(name)
        self.status = status
        self.name = name
        self.message = message


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def handle_one_request(self):
        try:
            super().handle_one_request()
        except ConnectionError:  # the client was killed, or gave up
            self.close_connection = True

    def do_any(self):
        length = int(self.headers.get("Content-Length", "0"))
        if length > BODY_BYTES_MAX:
            self.close_connection = True
            self.answer(413, {}, b"")
            return
        body = self.rfile.read(length)
        if len(body) < length:  # the client broke off: that is no request
            self.close_connection = True
            return
        self.server.stand_in.handle(self, body)

    do_GET = do_POST = do_PUT = do_DELETE = do_any

    def answer(self, status, fields, body, cut_at=None):
        """The whole answer, or its first `cut_at` bytes of body and the end of the connection."""
        self.send_response(status)
        for name, value in fields.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body if cut_at is None else body[:cut_at])
        if cut_at is not None:
            self.close_connection = True

    def reset(self):
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(self.connection.detach())


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256


class StandIn:
    """Subclasses say which requests send (`sends`), check and accept them (`accept`), answer the others
    (`serve`), and word a refusal (`refusal`). Everything is serialised by `lock` but the pauses."""

    def __init__(self, port=0, seed=1):
        self.lock = threading.RLock()
        self.random = random.Random(seed)
        self.faults = []
        self.accepted = []   # dictionaries, oldest first; see the subclass
        self.counts = {}     # answers by status, "reset", "half", …
        self.listeners = []  # called with every accepted entry, outside the lock
        self._server = Server((HOST, port), Handler, bind_and_activate=True)
        self._server.stand_in = self
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02},
                                        daemon=True)
        self.url = f"http://{HOST}:{self._server.server_port}"
        self.info = {"url": self.url}

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        self._thread.start()

    def stop(self):
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    # For subclasses.

    def sends(self, method, path):
        raise NotImplementedError

    def accept(self, handler, body):
        """Checks a request that sends. Returns (status, fields, body, entry): entry is None when nothing new
        was accepted by it. Raises Refusal."""
        raise NotImplementedError

    def serve(self, handler, body):
        """Answers any other request: (status, fields, body). Raises Refusal."""
        raise Refusal(404, "not_found", "no such path")

    def refusal(self, refusal):
        """(status, fields, body) of a refusal."""
        raise NotImplementedError

    def change(self, settings):
        """PUT /_control/settings."""
        for name, value in settings.items():
            if name not in self.settable:
                raise ValueError(f"no setting {name}")
            setattr(self, name, value)

    settable = ()

    # The life of a request.

    def set_faults(self, *faults):
        with self.lock:
            self.faults = [copy.copy(fault) for fault in faults]

    def copies(self, key):
        """Accepted entries whose raw message or key contains `key`."""
        with self.lock:
            return [entry for entry in self.accepted if key in entry["search"]]

    def handle(self, handler, body):
        if handler.path.startswith("/_control/"):
            return self._control(handler, body)
        sends = self.sends(handler.command, handler.path)
        fault = self._take_fault(sends)
        kind = fault.get("kind")
        if kind == "reset_before":
            self._count("reset_before")
            return handler.reset()
        entry = None
        try:
            if kind == "refuse":
                raise Refusal(fault["status"], fault.get("name", ""), fault.get("message", "refused by the test"))
            if sends:
                status, fields, answer, entry = self._accept(handler, body, fault)
            else:
                status, fields, answer = self.serve(handler, body)
        except Refusal as refusal:
            status, fields, answer = self.refusal(refusal)
        if entry is not None:
            for listener in self.listeners:
                listener(entry)
        if sends:
            self._count(kind if kind not in (None, "refuse") else str(status))
        if kind == "reset_after":
            return handler.reset()
        if kind == "unreadable_answer":
            answer = b"<html>not what you asked</html>"
        return handler.answer(status, fields, answer, len(answer) // 2 if kind == "half_answer" else None)

    def _accept(self, handler, body, fault):
        if fault.get("kind") == "delay":
            self.begin(handler, body)
            self._pause(fault)
        with self.lock:
            status, fields, answer, entry = self.accept(handler, body)
            if entry is not None:
                self.accepted.append(entry)
        return status, fields, answer, entry

    @staticmethod
    def _pause(fault):
        if "until" not in fault:
            time.sleep(fault["seconds"])
            return
        latest = time.monotonic() + PAUSE_SECONDS_MAX
        while not fault["until"]() and time.monotonic() < latest:
            time.sleep(0.02)

    def begin(self, handler, body):
        """A request that will take a while has begun."""

    def _take_fault(self, sends):
        with self.lock:
            for fault in self.faults:
                if not sends and not fault.get("everything"):
                    continue
                if self.random.random() >= fault.get("probability", 1):
                    continue
                times = fault.get("times", 1)
                if times == 1:
                    self.faults.remove(fault)
                elif times > 1:
                    fault["times"] = times - 1
                return fault
        return {}

    def _count(self, what):
        with self.lock:
            self.counts[what] = self.counts.get(what, 0) + 1

    def _control(self, handler, body):
        what = handler.path.removeprefix("/_control/")
        with self.lock:
            if (handler.command, what) == ("GET", "accepted"):
                value = [{**entry, "raw": base64.b64encode(entry["raw"]).decode()} if "raw" in entry else entry
                         for entry in ({k: v for k, v in e.items() if k != "search"} for e in self.accepted)]
            elif (handler.command, what) == ("GET", "counts"):
                value = self.counts
            elif (handler.command, what) == ("PUT", "faults"):
                self.set_faults(*json.loads(body))
                value = {}
            elif (handler.command, what) == ("PUT", "settings"):
                self.change(json.loads(body))
                value = {}
            else:
                return handler.answer(404, {}, b"")
            text = json.dumps(value).encode()
        return handler.answer(200, {"Content-Type": "application/json"}, text)


def new_id():
    return str(uuid.uuid4())


def main(stand_in_class, **options):
    parser = argparse.ArgumentParser(description=stand_in_class.__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    for name, default in options.items():
        parser.add_argument(f"--{name.replace('_', '-')}", default=default)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with stand_in_class(**vars(parser.parse_args())) as stand_in:
        print(json.dumps(stand_in.info), flush=True)
        for _ in sys.stdin:
            pass
