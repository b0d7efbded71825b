"""WebSockets: what an idle one costs, and how long an event takes from its commit to the client.

Run by scripts/bench, or by itself with the program in COUNTERSIGN_BINARY (one built for speed, not for tests).

Memory: agents connect, each with one socket; what the process grew by, per socket, by the kernel's account of
its resident memory (Pss). The kernel's own memory for a connection is not in it. Pings go on meanwhile.

Latency: an agent sends to itself over HTTP, 20 times a second, and the client listens beside it, on the same node and,
on PostgreSQL, on another one. Two times are taken for each message: from the creation of the event, which is before
the commit, and from the answer to the sender, which is after it.
"""

import argparse
import pathlib
import resource
import shutil
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests/e2e")]

from support.client import Account, Client, draft  # noqa: E402
from support.server import Server  # noqa: E402
from support.stores import PostgresStore, SqliteStore  # noqa: E402
from support.websocket import WebSocket  # noqa: E402

RATE = 20
WARM = 100  # sockets that are open before memory is looked at
AGENT = "bench@agents.localhost"
SETTINGS = {"log.level": "error", "http.connections_max": 20_000}


def memory_bytes(server):
    """Resident memory of the process, shared pages in proportion."""
    with open(f"/proc/{server._process.pid}/smaps_rollup", encoding="ascii") as lines:
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def idle(server, account, store, count):
    store.execute(
        f"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) INSERT INTO agents "
        "(email, user_id, domain, registered_domain, created_at_us) SELECT 'a' || i || '@agents.localhost', "
        "(SELECT id FROM users LIMIT 1), 'agents.localhost', 'agents.localhost', 1 FROM n")
    warm = [WebSocket(server.url, f"a{i}@agents.localhost", account.client.key) for i in range(1, WARM + 1)]
    time.sleep(2)
    before, begin = memory_bytes(server), time.time()
    sockets = [WebSocket(server.url, f"a{i}@agents.localhost", account.client.key) for i in range(WARM + 1, count + 1)]
    took = time.time() - begin
    time.sleep(5)
    after, cpu, begin = memory_bytes(server), server.cpu_seconds, time.time()
    time.sleep(10)
    share = (server.cpu_seconds - cpu) / (time.time() - begin)
    print(f"{len(warm) + len(sockets)} idle sockets: {(after - before) / len(sockets):.0f} bytes each, opened "
          f"{len(sockets) / took:.0f}/s one after another, {share * 100:.1f} % of a processor while idle", flush=True)
    for socket in warm + sockets:
        socket.socket.close()


def percentiles(values):
    ordered = sorted(values)
    return " ".join(f"p{p} {ordered[min(len(ordered) - 1, len(ordered) * p // 100)] * 1000:.1f} ms" for p in (50, 99))


def latency(what, sender, listener, messages):
    """`sender`: the account at one node. `listener`: the URL of the node that is listened to."""
    socket = WebSocket(listener, AGENT, sender.client.key, after="now")
    seen, answered = {}, {}

    def listen():
        while len(seen) < messages:
            event = socket.event()
            if event["type"] == "email.received":
                seen[event["data"]["message_id"]] = (time.time(), event["created_at"])
    thread = threading.Thread(target=listen)
    thread.start()
    for i in range(messages):
        begin = time.time()
        sent = sender.send(AGENT, draft(f"Note {i}", AGENT), expected=200)
        answered[i] = (time.time(), sent)
        time.sleep(max(0.0, begin + 1 / RATE - time.time()))
    thread.join()
    socket.socket.close()
    order = list(seen.values())  # in order, as they were sent
    from_answer = [max(0.0, received - answered[i][0]) for i, (received, _) in enumerate(order)]
    from_creation = [received - epoch_of(created) for received, created in order]
    print(f"{what}: from the event {percentiles(from_creation)}; from the sender's answer {percentiles(from_answer)}",
          flush=True)


def epoch_of(text):
    import datetime
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("kind", choices=("sqlite", "postgres"))
    arguments.add_argument("postgres_url", nargs="?", help="for postgres: a superuser's")
    arguments.add_argument("--sockets", type=int, default=10_000)
    arguments.add_argument("--messages", type=int, default=400)
    asked = arguments.parse_args()
    if (asked.kind == "postgres") != bool(asked.postgres_url):
        arguments.error("postgres, and postgres only, needs a URL")
    kind = asked.kind
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if asked.sockets <= WARM or limit < asked.sockets + 500:
        arguments.error(f"--sockets: more than {WARM}, and with room to spare below `ulimit -Hn`, which is {limit}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    directory = pathlib.Path(tempfile.mkdtemp(prefix="countersign-websocket."))
    store = SqliteStore(directory) if kind == "sqlite" else PostgresStore(asked.postgres_url)
    servers = []
    try:
        for i in range(1 if kind == "sqlite" else 2):
            folder = directory / f"node{i}"
            folder.mkdir()
            servers.append(Server(store, folder, settings={**SETTINGS, "signing.secret": "0" * 64}, name=f"node{i}"))
        account = Account(Client(servers[0].url, servers[0].bootstrap()))
        for server in servers:
            server.start()
        account.create_agent(AGENT)
        latency(f"{kind}, one node", account, servers[0].url, asked.messages)
        if len(servers) > 1:
            latency(f"{kind}, two nodes", account, servers[1].url, asked.messages)
        idle(servers[0], account, store, asked.sockets)
        for server in servers:
            server.stop()
        servers[0].check()
    finally:
        for server in servers:
            if server.is_running:
                server.kill9()
        store.close()
        shutil.rmtree(directory)


if __name__ == "__main__":
    main()
