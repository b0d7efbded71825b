"""WebSockets on two nodes that share one PostgreSQL."""

import secrets
import subprocess
import threading
import unittest

from support.client import draft
from support.scenario import AGENT, on_postgres
from support.waiting import eventually
from support.websocket import Closed, WebSocket

# Nodes hear of each other by signals only within the time of a test.
PATIENT = {"websocket__poll_interval_ms": 3_600_000, "websocket__check_interval_ms": 3_600_000,
           "dispatcher__poll_interval_ms": 3_600_000, "webhooks__poll_interval_ms": 3_600_000}
# Nodes that hear of each other by looking.
DEAF = {"websocket__poll_interval_ms": 100, "websocket__check_interval_ms": 100, "store__signals": "false"}


@on_postgres
class WebsocketNodes:
    def start_nodes(self, number=2, **settings):
        shared = {"signing__secret": secrets.token_hex(32), "outbound__maildir": self.directory / "outbound",
                  **settings}
        self.nodes = []
        for index in range(number):
            directory = self.directory / f"node{index}"
            directory.mkdir()
            self.nodes.append(self.start_server(name=f"node{index}", directory=directory, **shared))
        self.account = self.open_account(self.nodes[0])
        self.account.create_agent(AGENT)

    def listen(self, node, **more):
        socket = WebSocket(self.nodes[node].url, AGENT, self.account.client.key, **more)
        self.addCleanup(socket.socket.close)
        return socket

    def send(self, node, subject="Note"):
        return self.account.at(self.nodes[node].url).send(AGENT, draft(subject, AGENT), expected=200)

    def cut_signals(self):
        """Ends every connection that nodes hear signals on."""
        self.store.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = "
                           "'countersign signals' AND datname = current_database()")

    def test_what_happens_on_one_node_is_pushed_by_the_other(self):
        self.start_nodes(**PATIENT)
        socket = self.listen(1)
        for i in range(20):
            self.send(i % 2, f"Note {i}")
            self.assertEqual(socket.event()["data"]["subject"], f"Note {i}")

    def test_signals_come_back_after_their_connection_was_cut(self):
        self.start_nodes(**PATIENT)
        socket = self.listen(1)
        self.cut_signals()
        self.send(0)
        self.assertEqual(socket.event()["data"]["subject"], "Note")
        for node in self.nodes:
            node.expect_errors("store.signals_lost")

    def test_nodes_that_hear_nothing_look(self):
        self.start_nodes(**DEAF)
        socket = self.listen(1)
        self.send(0)
        self.assertEqual(socket.event()["data"]["subject"], "Note")
        self.listen(0)
        self.assertEqual(socket.closing(), (4000, "replaced"))

    def test_a_transaction_that_is_none_of_ours_holds_nobody_back(self):
        self.start_nodes(1, **PATIENT)
        socket = self.listen(0)
        session = subprocess.Popen(["psql", "--no-psqlrc", "--quiet", "--dbname", self.postgres_url()],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            session.stdin.write("BEGIN; CREATE TEMPORARY TABLE ours (id BIGINT);\n\\echo begun\n")
            session.stdin.flush()
            self.assertEqual(session.stdout.readline().strip(), "begun")
            self.send(0)
            self.assertEqual(socket.event()["data"]["subject"], "Note")
        finally:
            session.stdin.close()
            session.wait(timeout=300)
            session.stdout.close()

    def test_a_connection_to_the_other_node_replaces_the_older_one(self):
        self.start_nodes(**PATIENT)
        older = self.listen(0)
        for i in range(4):
            newer = self.listen((i + 1) % 2)
            self.assertEqual(older.closing(), (4000, "replaced"))
            older = newer
        self.send(0)
        self.assertEqual(older.event()["data"]["subject"], "Note")

    def test_many_connections_at_once_leave_one(self):
        self.start_nodes(**PATIENT)
        sockets, lock = [], threading.Lock()

        def connect(node):
            socket = self.listen(node)
            with lock:
                sockets.append(socket)
        threads = [threading.Thread(target=connect, args=(i % 2,)) for i in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.send(0)
        told, closed = set(), {}

        def look():
            for socket in sockets:
                try:
                    if socket not in closed and not socket.silent(0.1):
                        told.add(socket)
                except Closed as end:
                    closed[socket] = (end.code, end.reason)
            return told and len(closed) >= 11
        eventually("one is told of it, and the others are closed", look)
        self.assertEqual(list(closed.values()), [(4000, "replaced")] * 11)

    def test_a_client_moves_to_the_other_node_when_its_own_is_killed(self):
        self.start_nodes(**PATIENT)
        socket = self.listen(0, after="oldest")
        stop, sent = threading.Event(), []

        def keep_sending():
            while not stop.is_set():
                self.send(1, f"Note {len(sent)}")
                sent.append(1)
        sender = threading.Thread(target=keep_sending)
        sender.start()
        seen = []
        try:
            for node in (0, 1, 1):
                seen += [event["id"] for event in socket.events(20)]
                if node == 0:
                    self.nodes[0].kill9()
                    try:
                        while True:
                            seen.append(socket.event()["id"])
                    except (Closed, OSError):
                        pass
                socket = self.listen(1, after=seen[-1])
            eventually("more were sent", lambda: len(sent) > 60)
        finally:
            stop.set()
            sender.join()
        rows = self.store.rows(f"SELECT id FROM events WHERE agent_email = '{AGENT}' ORDER BY xact, position")
        log = [row[0] for row in rows]
        seen += [event["id"] for event in socket.events(len(log) - len(seen))]
        self.assertEqual(seen, log)


if __name__ == "__main__":
    unittest.main()
