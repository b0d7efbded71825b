"""PostgreSQL for tests: private servers that may be stopped and killed, and a database per scenario."""

import atexit
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.parse
from pathlib import Path

from support.waiting import eventually

sys.path.append(str(Path(__file__).resolve().parents[2] / "support"))

from ports import free_port  # noqa: E402

_BIN = Path("/usr/lib/postgresql/15/bin")


def _unprivileged():
    """The server refuses to run as root: root hands it to another user."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
            return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        except KeyError:
            continue
    raise RuntimeError("neither a user postgres nor nobody exists")


class PrivatePostgres:
    """A cluster in a directory of its own."""

    def __init__(self):
        self._identity = _unprivileged()
        self._directory = Path(tempfile.mkdtemp(prefix="countersign-postgres."))
        self._data = self._directory / "data"
        self._process = None
        self.port = free_port()
        if self._identity:
            os.chown(self._directory, self._identity["user"], self._identity["group"])
        self._run(_BIN / "initdb", f"--pgdata={self._data}", "--username=countersign", "--auth=trust",
                  "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync")
        self.start()

    @property
    def url(self):
        return f"postgres://countersign@127.0.0.1:{self.port}/postgres"

    @property
    def is_running(self):
        return self._process is not None

    def start(self):
        """Returns when connections are accepted."""
        with open(self._directory / "log", "ab") as log:
            # The kernel stops the server when this process dies.
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "QUIT", "--", str(_BIN / "postgres"), "-D", str(self._data),
                 "-p", str(self.port), "-k", str(self._directory), "-c", "listen_addresses=127.0.0.1",
                 "-c", "max_connections=100", "-c", "shared_buffers=64MB",
                 # What is killed are processes, not the machine.
                 "-c", "fsync=off"],
                cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log, **self._identity)
        eventually("PostgreSQL accepts connections", self._accepts)

    def stop(self, mode="fast"):
        """Stops as `pg_ctl stop -m MODE` does: "fast" rolls back what is open, "immediate" is a crash."""
        self._end({"fast": signal.SIGINT, "immediate": signal.SIGQUIT}[mode])

    def kill9(self):
        """Kills the server and every process of its own, without a chance to say goodbye."""
        parent = self._process.pid
        os.kill(parent, signal.SIGSTOP)  # so that it starts no more processes
        for child in _children_of(parent):
            os.kill(child, signal.SIGKILL)
        self._end(signal.SIGKILL)

    def close(self):
        if self._process is not None:
            self._end(signal.SIGQUIT)
        shutil.rmtree(self._directory, ignore_errors=True)

    def _end(self, number):
        self._process.send_signal(number)
        self._process.wait(timeout=300)
        self._process = None

    def _accepts(self):
        if self._process.poll() is not None:
            raise RuntimeError("PostgreSQL ended: " + (self._directory / "log").read_text())
        ready = subprocess.run([_BIN / "pg_isready", "-q", "-d", self.url], check=False)
        return ready.returncode == 0

    def _run(self, *command):
        done = subprocess.run([str(part) for part in command], cwd="/", stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, check=False, **self._identity)
        if done.returncode != 0:
            raise RuntimeError(f"{command[0]} failed: {done.stdout}{done.stderr}")


def _children_of(parent):
    children = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:  # ended meanwhile
            continue
        if int(fields[1]) == parent:
            children.append(int(stat.parent.name))
    return children


_shared = None


def shared_url():
    """The superuser URL of the server that scenarios share: COUNTERSIGN_TEST_POSTGRES, else one of our own
    that lives as long as this process."""
    given = os.environ.get("COUNTERSIGN_TEST_POSTGRES", "")
    if given:
        return given
    global _shared
    if _shared is None:
        _shared = PrivatePostgres()
        atexit.register(_shared.close)
    return _shared.url


def query(url, sql):
    """The rows of one statement, each a list of texts."""
    done = subprocess.run(["psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--csv",
                           "--set=ON_ERROR_STOP=1", "--dbname", url, "--command", sql],
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"psql: {done.stderr}")
    return [line.split(",") for line in done.stdout.splitlines()]


def create_database(server_url):
    """The URL of a new, empty database."""
    name = "e2e_" + secrets.token_hex(8)
    query(server_url, f"CREATE DATABASE {name}")
    parts = urllib.parse.urlsplit(server_url)
    return urllib.parse.urlunsplit(parts._replace(path="/" + name))


def drop_database(server_url, url):
    name = urllib.parse.urlsplit(url).path.lstrip("/")
    query(server_url, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
