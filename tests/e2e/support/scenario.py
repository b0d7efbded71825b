"""The frame of a scenario: its stores, its servers, and what must hold when it is over."""

import contextlib
import shutil
import sys
import tempfile
import time
import unittest
from pathlib import Path

from support import postgres
from support.client import GONE, Account, Client
from support.server import Server
from support.stores import PostgresStore, SqliteStore
from support.waiting import DEADLINE_SECONDS, eventually

AGENT = "ada@agents.localhost"

_LOG_TAIL_BYTES = 20_000
_WITHIN_A_MINUTE_SECONDS = 50


class Scenario(unittest.TestCase):
    """Gives every test a directory and a store. At the end its servers stop in good order, their logs hold
    nothing unexpected, and `countersign check` finds every promise kept."""

    store_kind = None  # set by on_both_stores and on_postgres

    def run(self, result=None):
        self.directory = Path(tempfile.mkdtemp(prefix="countersign-e2e."))
        self.servers = []
        before = len(result.failures) + len(result.errors)
        try:
            return super().run(result)
        finally:
            if len(result.failures) + len(result.errors) > before:
                self._print_logs()
            shutil.rmtree(self.directory)

    def setUp(self):
        self.store = self.make_store()
        self.addCleanup(self.store.close)

    def make_store(self):
        if self.store_kind == "sqlite":
            return SqliteStore(self.directory)
        return PostgresStore(self.postgres_url())

    def postgres_url(self):
        """The server that holds the scenario's database."""
        return postgres.shared_url()

    def add_server(self, *, name="node", directory=None, **settings):
        """A server on the scenario's store, not started. Settings have `__` for `.`."""
        dotted = {key.replace("__", "."): value for key, value in settings.items()}
        server = Server(self.store, directory or self.directory, settings=dotted, name=name)
        self.servers.append(server)
        if len(self.servers) == 1:
            self.addCleanup(self._close)
        return server

    def start_server(self, **settings):
        return self.add_server(**settings).start()

    def open_account(self, server, email="owner@example.com"):
        return Account(Client(server.url, server.bootstrap(email)))

    def wait_for_delivery_status(self, account, message_id, *statuses):
        """The message, once its delivery_status is one of these."""
        def look():
            message = account.review(message_id)
            return message if message.get("delivery_status") in statuses else None
        return eventually(f"{message_id} becomes {' or '.join(statuses)}", look)

    def wait_until_settled(self, deadline_seconds=DEADLINE_SECONDS):
        """No hand-over is queued or under way any more."""
        eventually("every hand-over is settled", lambda: self.open_submissions() == [], deadline_seconds)

    def approve_and_die(self, server, account, message_id):
        """Approves at a server that is armed to die of what follows, and starts it again. Its death may overtake
        the answer, which is then asked for once more."""
        key = "approve " + message_id
        with contextlib.suppress(*GONE):
            account.approve(message_id, key=key)
        server.wait_until_killed()
        server.restart()
        account.approve(message_id, key=key)

    def end_leases_of_the_dead(self, update):
        """On SQLite a process takes up what the one before it had; on PostgreSQL it waits for the leases, which
        `update` ends."""
        if self.store.kind == "sqlite":
            return
        if not any(server.is_running for server in self.servers):
            eventually("their transactions have ended", lambda: self.store.rows(
                "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND "
                "backend_type = 'client backend'") == [])
        self.store.execute(update)

    def within_a_minute(self, attempt):
        """What `attempt` returns: requests that meet a limit per minute. Where they took longer, they start anew
        with nothing spent."""
        for _ in range(5):
            began = time.monotonic()
            seen = attempt()
            if time.monotonic() - began < _WITHIN_A_MINUTE_SECONDS:
                return seen
            for server in self.servers:
                server.stop()
            self.store.execute("DELETE FROM rate_permits")
            for server in self.servers:
                server.restart()
        raise AssertionError("a minute was too short for the requests, again and again")

    def open_submissions(self):
        return self.store.rows("SELECT id, state FROM submissions "
                               "WHERE state IN ('queued', 'claimed', 'handover')")

    def count(self, table):
        return int(self.store.rows(f"SELECT count(*) FROM {table}")[0][0])

    def _close(self):
        try:
            for server in self.servers:
                if server.is_running:
                    server.stop()
            self.servers[0].check()
            for server in self.servers:
                self.assertEqual(server.log_faults(), [], "in the log")
        finally:
            for server in self.servers:
                if server.is_running:
                    server.kill9()

    def _print_logs(self):
        for server in self.servers:
            print(f"--- log of {self.id()}\n{server.log_text()[-_LOG_TAIL_BYTES:]}---", file=sys.stderr)


def on_both_stores(scenario):
    """Class decorator: the tests of a plain class run as a Scenario on SQLite and as one on PostgreSQL."""
    _derive(scenario, "sqlite", "OnSqlite")
    _derive(scenario, "postgres", "OnPostgres")
    return scenario


def on_sqlite(scenario):
    """Class decorator: as on_both_stores, for what is about SQLite."""
    _derive(scenario, "sqlite", "OnSqlite")
    return scenario


def on_postgres(scenario):
    """Class decorator: as on_both_stores, for what is about PostgreSQL."""
    _derive(scenario, "postgres", "OnPostgres")
    return scenario


def _derive(scenario, kind, suffix):
    module = sys.modules[scenario.__module__]
    name = scenario.__name__ + suffix
    attributes = {"store_kind": kind, "__module__": module.__name__, "__doc__": scenario.__doc__}
    setattr(module, name, type(name, (scenario, Scenario), attributes))
