"""The two stores a scenario runs on, and a look into them past the server."""

import contextlib
import sqlite3
import subprocess
import time

from support import postgres

_LOCKED_SECONDS_MAX = 300


class SqliteStore:
    """The embedded default: a file in the data directory of its only node."""

    kind = "sqlite"

    def __init__(self, directory):
        self._path = directory / "countersign.db"
        self.url = f"sqlite:{self._path}"

    def rows(self, sql):
        until = time.monotonic() + _LOCKED_SECONDS_MAX
        while True:
            try:
                with contextlib.closing(sqlite3.connect(f"file:{self._path}?mode=ro", uri=True,
                                                        timeout=_LOCKED_SECONDS_MAX)) as connection:
                    return [[str(value) for value in row] for row in connection.execute(sql)]
            except sqlite3.OperationalError as error:
                # "locking protocol" comes without a wait: somebody was held up in an instant that is locked.
                if "lock" not in str(error) or time.monotonic() > until:
                    raise
                time.sleep(0.05)

    def execute(self, sql):
        with contextlib.closing(sqlite3.connect(self._path, timeout=_LOCKED_SECONDS_MAX)) as connection, connection:
            connection.execute(sql)

    @contextlib.contextmanager
    def writes_blocked(self):
        """While this lasts no write of a server comes through."""
        with contextlib.closing(sqlite3.connect(self._path, timeout=_LOCKED_SECONDS_MAX,
                                                isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield
            connection.execute("ROLLBACK")

    def close(self):
        pass


class PostgresStore:
    """A database of its own on `server_url`."""

    kind = "postgres"

    def __init__(self, server_url):
        self._server_url = server_url
        self.url = postgres.create_database(server_url)

    def rows(self, sql):
        return postgres.query(self.url, sql)

    def execute(self, sql):
        postgres.query(self.url, sql)

    @contextlib.contextmanager
    def writes_blocked(self):
        """While this lasts no message is written; reading goes on."""
        session = subprocess.Popen(["psql", "--no-psqlrc", "--quiet", "--dbname", self.url],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            session.stdin.write("BEGIN; LOCK TABLE messages IN EXCLUSIVE MODE;\n\\echo locked\n")
            session.stdin.flush()
            if session.stdout.readline().strip() != "locked":
                raise RuntimeError("the table could not be locked")
            yield
        finally:
            session.stdin.close()  # ends the session, which rolls back
            session.wait(timeout=300)
            session.stdout.close()

    def close(self):
        postgres.drop_database(self._server_url, self.url)
