"""HTTP as clients speak it: a plain client, the API over it, and curl."""

import http.client
import json
import socket
import struct
import subprocess
import time
import urllib.parse

_TIMEOUT_SECONDS = 300
_RETRY_PAUSE_SECONDS = 0.1
_RETRIED_STATUSES = (408, 429, 500, 502, 503, 504)

GONE = (OSError, http.client.HTTPException)  # what a client sees of a server that is killed


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = {name.lower(): value for name, value in headers}
        self.body = body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        """The error code of the envelope, or None."""
        try:
            return self.json["error"]["code"]
        except (ValueError, KeyError, TypeError):
            return None

    def __repr__(self):
        return f"<{self.status} {self.body[:400]!r}>"


def path_of(*segments):
    return "/v1/" + "/".join(urllib.parse.quote(segment, safe="") for segment in segments)


class Client:
    """One caller of one server, a connection per request."""

    def __init__(self, url, key=None):
        self.url = url
        self.key = key
        parts = urllib.parse.urlsplit(url)
        self.address = (parts.hostname, parts.port)

    def at(self, url):
        """The same caller of another server."""
        return Client(url, self.key)

    def request(self, method, path, body=None, *, key=None, headers=None, timeout=_TIMEOUT_SECONDS):
        """`body` is bytes as they are, or anything else as JSON. `key` is an Idempotency-Key."""
        payload, fields = self._prepare(body, key)
        fields.update(headers or {})
        connection = http.client.HTTPConnection(*self.address, timeout=timeout)
        try:
            connection.request(method, path, payload, fields)
            response = connection.getresponse()
            return Answer(response.status, response.getheaders(), response.read())
        finally:
            connection.close()

    def insist(self, method, path, body=None, *, key, deadline_seconds=600, on_retry=None, next_client=None):
        """Repeats the keyed request as the SDKs do until it has an answer that is final. `on_retry` hears of
        every answer (or exception) that is not; `next_client` says who repeats it, if not this client.
        Returns the final answer."""
        until = time.monotonic() + deadline_seconds
        client = self
        while True:
            try:
                answer = client.request(method, path, body, key=key)
                final = answer.status not in _RETRIED_STATUSES and answer.code != "idempotency_in_flight"
                if final:
                    return answer
                why = answer
            except GONE as error:
                why = error
            if on_retry is not None:
                on_retry(why)
            if time.monotonic() > until:
                raise AssertionError(f"{method} {path} did not come through: {why!r}")
            time.sleep(_RETRY_PAUSE_SECONDS)
            client = next_client() if next_client is not None else self

    def raw(self, method, path, body=None, *, key=None, extra=""):
        """The bytes of the request, for sending only a part of them."""
        payload, fields = self._prepare(body, key)
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self.address[0]}:{self.address[1]}"]
        lines += [f"{name}: {value}" for name, value in fields.items()]
        lines.append(f"Content-Length: {len(payload or b'')}")
        return ("\r\n".join(lines) + "\r\n" + extra + "\r\n").encode() + (payload or b"")

    def open_socket(self):
        return socket.create_connection(self.address, timeout=_TIMEOUT_SECONDS)

    def talk(self, data):
        """Sends bytes that may not be HTTP at all; returns what comes back until the server hangs up."""
        with self.open_socket() as connection:
            try:
                connection.sendall(data)
                connection.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # the server has hung up already; what it said can still be read
            return read_to_end(connection)

    def _prepare(self, body, key):
        fields = {}
        if self.key is not None:
            fields["Authorization"] = f"Bearer {self.key}"
        if key is not None:
            fields["Idempotency-Key"] = key
        if body is None:
            return None, fields
        fields["Content-Type"] = "application/json"
        return body if isinstance(body, bytes) else json.dumps(body).encode(), fields


def read_to_end(connection):
    received = b""
    while True:
        try:
            chunk = connection.recv(65536)
        except ConnectionError:
            return received
        if not chunk:
            return received
        received += chunk


def everything_was_read(connection):
    """Whether the server has taken all bytes of this connection out of its kernel's buffer."""
    here, there = connection.getsockname()[1], connection.getpeername()[1]
    with open("/proc/net/tcp", encoding="ascii") as table:
        for fields in (line.split() for line in list(table)[1:]):
            ports = tuple(int(end.rpartition(":")[2], 16) for end in fields[1:3])
            if ports == (there, here):
                return int(fields[4].rpartition(":")[2], 16) == 0
            if ports == (here, there) and int(fields[4].partition(":")[0], 16) > 0:
                return False
    return False


def reset(connection):
    """Hangs up with a TCP reset, as a killed client's kernel does."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def curl(*arguments, stdin=""):
    """Runs curl; returns its Answer."""
    done = subprocess.run(["curl", "--silent", "--show-error", "--include", "--max-time", "300", *arguments],
                          input=stdin.encode(), capture_output=True, check=False)
    if done.returncode != 0:
        raise AssertionError(f"curl exited with {done.returncode}: {done.stderr.decode()}")
    head, _, body = done.stdout.partition(b"\r\n\r\n")
    while head.startswith(b"HTTP/1.1 100"):
        head, _, body = body.partition(b"\r\n\r\n")
    status_line, *fields = head.decode().split("\r\n")
    return Answer(int(status_line.split()[1]), [tuple(field.split(": ", 1)) for field in fields], body)


class Account:
    """An account through its key: what the scenarios do over and over, each with the expected answer."""

    def __init__(self, client):
        self.client = client

    def at(self, url):
        """The same account at another server."""
        return Account(self.client.at(url))

    def ask(self, expected, method, path, body=None, *, key=None):
        """The answer, which must have the `expected` status."""
        answer = self.client.request(method, path, body, key=key)
        if answer.status != expected:
            raise AssertionError(f"{method} {path}: expected {expected}, got {answer!r}")
        return answer

    def create_agent(self, email, name=""):
        return self.ask(201, "POST", "/v1/agents", {"email": email, "name": name}).json

    def agent_key(self, email):
        """The plaintext of a new key that is bound to the agent."""
        request = {"scope": "agent", "agent_email": email}
        return self.ask(201, "POST", "/v1/account/api-keys", request).json["key"]

    def hold_everything(self, email, *, ttl_seconds=3600, on_expiry="reject"):
        """Every send of the agent waits for a person."""
        self.protect(email, {"policy": "allowlist", "action": "review", "allowlist": []},
                     {"ttl_seconds": ttl_seconds, "on_expiry": on_expiry})

    def protect(self, email, outbound_gate, holds=None):
        self.ask(200, "PUT", path_of("agents", email, "protection"),
                 {"inbound": {"gate": {}, "scan": {}}, "outbound": {"gate": outbound_gate, "scan": {}},
                  "holds": holds or {}})

    def send(self, email, draft, *, expected=202, key=None):
        return self.ask(expected, "POST", path_of("agents", email, "messages"), draft, key=key).json

    def reviews(self):
        return self.ask(200, "GET", "/v1/reviews").json["items"]

    def approve(self, message_id, edits=None, *, key=None):
        return self.ask(202, "POST", path_of("reviews", message_id, "approve"), edits or {}, key=key).json

    def review(self, message_id):
        return self.ask(200, "GET", path_of("reviews", message_id)).json

    def message(self, email, message_id):
        return self.ask(200, "GET", path_of("agents", email, "messages", message_id)).json

    def messages(self, email, **filters):
        """All pages of the list."""
        items, cursor = [], None
        while True:
            parameters = dict(filters, **({"cursor": cursor} if cursor else {}))
            page = self.ask(200, "GET", path_of("agents", email, "messages") + "?" +
                            urllib.parse.urlencode(parameters)).json
            items += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return items


def draft(subject, to="someone@example.org", **more):
    recipients = [to] if isinstance(to, str) else list(to)
    return {"to": recipients, "subject": subject, "text": f"The text of {subject}.", **more}
