"""Telling events: how fast a backlog goes out to a sink on the same machine.

Run by scripts/bench, or by itself with the program in COUNTERSIGN_BINARY (one built for speed, not for tests).

As many events as make the deliveries are put into the log, so that nothing but the fan-out and the deliveries
is measured, and the server is started. The sink is one Python process that answers 204 over TLS and counts; it is
measured by itself, with the same requests over as many connections, for comparison. Rates go from the first request to
the last; the processor time is the server's, from its start, which other work on the machine changes less.
"""

import argparse
import asyncio
import contextlib
import json
import multiprocessing
import pathlib
import shutil
import ssl
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests/e2e"), str(ROOT / "tests/support")]

from support.client import Account, Client  # noqa: E402
from support.postgres import free_port  # noqa: E402
from support.server import Server  # noqa: E402
from support.stores import PostgresStore, SqliteStore  # noqa: E402
from support.waiting import eventually  # noqa: E402
from webhook_receiver import WebhookReceiver  # noqa: E402

WEBHOOKS_PER_ACCOUNT = 50  # no more are allowed
CONNECTIONS = 16
ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"


class Sink(asyncio.Protocol):
    def __init__(self, seen):
        self.seen, self.rest = seen, b""

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.rest += data
        while (end := self.rest.find(b"\r\n\r\n")) >= 0:
            length = int(self.rest[:end].lower().partition(b"content-length:")[2].split()[0])
            if len(self.rest) < end + 4 + length:
                return
            self.rest = self.rest[end + 4 + length:]
            self.transport.write(ANSWER)
            if self.seen[0] == 0:
                self.seen[1] = time.time()
            self.seen[0] += 1
            self.seen[2] = time.time()


def serve(port, certificate, key, seen):
    async def forever():
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate, key)
        server = await asyncio.get_running_loop().create_server(lambda: Sink(seen), "127.0.0.1", port, ssl=tls)
        await server.serve_forever()
    asyncio.run(forever())


async def ask(port, ca_file, count, body):
    tls = ssl.create_default_context(cafile=ca_file)
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls, server_hostname="a.hooks.test")
    request = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    for _ in range(count):
        writer.write(request)
        await reader.readuntil(b"\r\n\r\n")
    writer.close()


async def ask_all(port, ca_file, count, body):
    await asyncio.gather(*[ask(port, ca_file, count // CONNECTIONS, body) for _ in range(CONNECTIONS)])


def fill(store, count):
    """`count` events of each account as they stand before the fan-out; the text of SQL serves both stores."""
    data = json.dumps({"message_id": "msg_x", "agent_email": "a@agents.localhost", "subject": "x" * 400})
    store.execute(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < "
        f"{count}) INSERT INTO events (id, user_id, type, envelope, created_at_us, status) SELECT 'evt_' || n.i || u.id, "
        "u.id, 'email.sent', '{\"type\":\"email.sent\",\"id\":\"evt_' || n.i || u.id || '\",\"data\":"
        f"{data}}}', {int(time.time() * 1e6)}, 'pending' FROM n CROSS JOIN users u")


def measure(kind, postgres_url, receiver, deliveries, webhooks):
    directory = pathlib.Path(tempfile.mkdtemp(prefix="countersign-webhooks."))
    store = SqliteStore(directory) if kind == "sqlite" else PostgresStore(postgres_url)
    seen = multiprocessing.Array("d", 3, lock=False)
    port = free_port()
    sink = multiprocessing.Process(
        target=serve, args=(port, receiver.ca_file, receiver.folder / "key.pem", seen), daemon=True)
    sink.start()
    settings = {key.replace("__", "."): value for key, value in receiver.settings("a").items()}
    server = Server(store, directory, settings={"log.level": "error", **settings})
    try:
        clients = [Client(server.url, server.bootstrap(f"bench{i}@example.com"))
                   for i in range(-(-webhooks // WEBHOOKS_PER_ACCOUNT))]
        server.start()
        for i in range(webhooks):
            Account(clients[i % len(clients)]).ask(201, "POST", "/v1/webhooks", {
                "url": f"https://a.hooks.test:{port}/{i}", "events": ["email.sent"]})
        server.stop()
        fill(store, deliveries // webhooks)
        server.start()
        eventually("everything is told", lambda: seen[0] >= deliveries, 600)
        eventually("everything is recorded", lambda: not store.rows(
            "SELECT 1 FROM webhook_deliveries WHERE status = 'pending' LIMIT 1"))
        print(f"{kind}, {webhooks} webhooks: {deliveries / (seen[2] - seen[1]):.0f} deliveries/s, "
              f"{server.cpu_seconds / deliveries * 1e6:.0f} us of processor time each, "
              f"{seen[0] - deliveries:.0f} more than once", flush=True)
        server.stop()
        server.check()
    finally:
        if server.is_running:
            server.kill9()
        sink.kill()
        store.close()
        shutil.rmtree(directory)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("kind", choices=("sqlite", "postgres"))
    arguments.add_argument("postgres_url", nargs="?", help="for postgres: a superuser's")
    arguments.add_argument("--deliveries", type=int, default=20_000)
    arguments.add_argument("--webhooks", type=int, nargs="+", default=[1, 10, 100])
    asked = arguments.parse_args()
    if (asked.kind == "postgres") != bool(asked.postgres_url):
        arguments.error("postgres, and postgres only, needs a URL")
    with WebhookReceiver() as receiver, contextlib.ExitStack() as stack:
        seen = multiprocessing.Array("d", 3, lock=False)
        port = free_port()
        sink = multiprocessing.Process(
            target=serve, args=(port, receiver.ca_file, receiver.folder / "key.pem", seen), daemon=True)
        sink.start()
        stack.callback(sink.kill)
        time.sleep(0.5)
        begin = time.time()
        asyncio.run(ask_all(port, receiver.ca_file, asked.deliveries, b"x" * 600))
        print(f"the sink by itself: {asked.deliveries / (time.time() - begin):.0f}/s", flush=True)
        for webhooks in asked.webhooks:
            measure(asked.kind, asked.postgres_url, receiver, asked.deliveries, webhooks)


if __name__ == "__main__":
    main()
