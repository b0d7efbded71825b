"""Handing mail over: how soon after an approval, and how fast out of a queue.

    bench/drain.py sqlite|postgres [POSTGRES_URL]     COUNTERSIGN_BINARY is the program

    latency   a person approves, nothing else goes on: until the relay has given its 250
    drain     a queue of 5,000, handed to Postfix's smtp-sink over 16 and over 64 connections, next to smtp-source handing
              the same number of messages of the same size over as many connections to the same smtp-sink, in the same
              run; with the processor time a message cost the server, and PostgreSQL
"""

import concurrent.futures
import os
import pathlib
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests/e2e"), str(ROOT / "tests/support")]

from smtp_sink import SmtpSink  # noqa: E402
from support.client import Account, Client, draft  # noqa: E402
from support.postgres import free_port  # noqa: E402
from support.server import Server  # noqa: E402
from support.stores import PostgresStore, SqliteStore  # noqa: E402
from support.waiting import eventually  # noqa: E402

AGENT = "bench@agents.localhost"
APPROVALS = 300
QUEUE = 5000
CONNECTIONS = [16, 64]
ROUNDS = 3
TEXT = "The parcel left our warehouse. " * 16


class Place:
    """A store and a server on it."""

    def __init__(self, kind, postgres_url, **settings):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="countersign-drain."))
        self.store = SqliteStore(self.directory) if kind == "sqlite" else PostgresStore(postgres_url)
        dotted = {key.replace("__", "."): value for key, value in settings.items()}
        self.server = Server(self.store, self.directory, settings={"log.level": "error", "smtp.tls": "none",
                                                                   "smtp.host": "127.0.0.1", **dotted})
        self.account = Account(Client(self.server.url, self.server.bootstrap()))

    @property
    def store_cpu_seconds(self):
        """Processor time of PostgreSQL's processes, those that have ended included."""
        if self.store.kind == "sqlite":
            return 0
        [[folder]] = self.store.rows("SELECT current_setting('data_directory')")
        main = int((pathlib.Path(folder) / "postmaster.pid").read_text().split()[0])
        children = pathlib.Path(f"/proc/{main}/task/{main}/children").read_text().split()
        return cpu_seconds_of(main, 4) + sum(cpu_seconds_of(child, 2) for child in children)

    def __enter__(self):
        self.server.start()
        self.account.create_agent(AGENT)
        return self

    def __exit__(self, *_):
        if self.server.is_running:
            self.server.stop()
        self.server.check()
        self.store.close()
        shutil.rmtree(self.directory)


def cpu_seconds_of(process, fields):
    """Seconds by proc(5): a process's own time in user and kernel mode, then that of its ended children."""
    try:
        stat = pathlib.Path(f"/proc/{process}/stat").read_text()
    except FileNotFoundError:
        return 0
    return sum(map(int, stat.rpartition(")")[2].split()[11:11 + fields])) / os.sysconf("SC_CLK_TCK")


def latency(kind, postgres_url):
    """Milliseconds from sending the approval to the relay's 250."""
    waits = []
    with SmtpSink() as sink, Place(kind, postgres_url, smtp__port=sink.port) as place:
        place.account.hold_everything(AGENT)
        for turn in range(APPROVALS + 20):
            message_id = place.account.send(AGENT, {**draft(f"Number {turn}"), "text": TEXT})["message_id"]
            before, began = sink.taken(), time.monotonic()
            place.account.approve(message_id)
            while sink.taken() == before or sink.last_answer_at < began:
                time.sleep(0.0002)
            if turn >= 20:  # the first ones open connections and prepare statements
                waits.append((sink.last_answer_at - began) * 1000)
    waits.sort()
    return statistics.median(waits), waits[len(waits) * 99 // 100]


class PostfixSink:
    def __enter__(self):
        self.port = free_port()
        self._process = subprocess.Popen(["smtp-sink", "-u", "nobody", f"127.0.0.1:{self.port}", "1000"],
                                         stdin=subprocess.DEVNULL)
        eventually("smtp-sink greets", self._greets)
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait()

    def _greets(self):
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                return connection.recv(4) == b"220 "
        except OSError:
            return False


def rate_of_source(sink, message_bytes, connections):
    began = time.monotonic()
    subprocess.run(["smtp-source", "-d", "-s", str(connections), "-m", str(QUEUE), "-l", str(message_bytes), "-f",
                    "agent@example.com", "-t", "someone@example.org", f"127.0.0.1:{sink.port}"], check=True)
    return QUEUE / (time.monotonic() - began)


def fill(place):
    """Queues the messages while the relay does not greet: nothing is handed over, and nobody calls it an outage."""
    def one(turn):
        place.account.send(AGENT, {**draft(f"Number {turn}"), "text": TEXT})

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(one, range(QUEUE)))


def rate_of_drain(kind, postgres_url, sink, connections):
    """Messages per second from the first claim to the last record, the bytes of one message, and the processor
    seconds of the server and of PostgreSQL."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings = {"smtp__port": silent.getsockname()[1], "smtp__connections_max": connections,
                    "dispatcher__batch": 1, "dispatcher__lease_seconds": 2, "stop_timeout_seconds": 1}
        with Place(kind, postgres_url, **settings) as place:
            fill(place)
            place.server.stop()
            place.server.settings.update({"smtp.port": sink.port, "dispatcher.batch": 128,
                                          "dispatcher.lease_seconds": 60, "stop_timeout_seconds": 30})
            store_before = place.store_cpu_seconds
            place.server.restart()
            # Through indexes, which hold nothing else.
            open_ones = ("SELECT 1 WHERE EXISTS (SELECT 1 FROM submissions WHERE state = 'queued') OR EXISTS "
                         "(SELECT 1 FROM submissions WHERE lease_until_us IS NOT NULL)")
            eventually("the queue is empty", lambda: pause() or place.store.rows(open_ones) == [], 600)
            cpu = place.server.cpu_seconds, place.store_cpu_seconds - store_before
            [[accepted]] = place.store.rows("SELECT count(*) FROM submissions WHERE state = 'accepted'")
            if int(accepted) != QUEUE:
                raise RuntimeError(f"{accepted} of {QUEUE} messages were accepted")
            # Without the one that was under way to the silent relay: with several nodes its lease has to run out, and
            # somebody has to look, before it is taken up again.
            [[drained, begun, ended]] = place.store.rows(
                "SELECT count(*), min(claimed_at_us), max(settled_at_us) FROM submissions WHERE epoch = 1")
            if int(drained) < QUEUE - 1:
                raise RuntimeError(f"only {drained} of {QUEUE} messages were claimed once")
            [[size]] = place.store.rows("SELECT max(length(raw)) FROM message_contents")
            return int(drained) / ((int(ended) - int(begun)) / 1e6), int(size), cpu


def pause():
    time.sleep(0.5)  # looking costs the server its time


def drain(kind, postgres_url, connections):
    ours, source, cpu, store_cpu = [], [], [], []
    with PostfixSink() as sink:
        for _ in range(ROUNDS):
            rate, size, (seconds, store_seconds) = rate_of_drain(kind, postgres_url, sink, connections)
            ours.append(rate)
            cpu.append(seconds / QUEUE * 1e6)
            store_cpu.append(store_seconds / QUEUE * 1e6)
            source.append(rate_of_source(sink, size, connections))
    ours, source, cpu, store_cpu = map(statistics.median, (ours, source, cpu, store_cpu))
    print(f"drain of {QUEUE} messages of {size} bytes over {connections} connections: {ours:.0f}/s; "
          f"smtp-source {source:.0f}/s; ratio {ours / source:.2f}; {cpu:.0f} + {store_cpu:.0f} µs of processor time a "
          "message, the server's and PostgreSQL's", flush=True)


def main():
    kind = sys.argv[1]
    postgres_url = sys.argv[2] if len(sys.argv) > 2 else None
    median, p99 = latency(kind, postgres_url)
    print(f"approval to the relay's 250, {APPROVALS} one after the other: p50 {median:.1f} ms, p99 {p99:.1f} ms",
          flush=True)
    for connections in CONNECTIONS:
        drain(kind, postgres_url, connections)


if __name__ == "__main__":
    main()
