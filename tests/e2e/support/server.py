"""The countersign program as a process: started, watched, killed, and its log read."""

import json
import os
import re
import signal
import subprocess
from pathlib import Path

from support.client import GONE, Client
from support.maildir import Maildir
from support.postgres import free_port
from support.waiting import eventually

_SANITIZER_REPORT = re.compile(r"\w+Sanitizer: |WARNING: ThreadSanitizer|runtime error: |assertion failed")
_STOP_SECONDS = 900  # more than a stop may take, see stop_timeout_seconds below


def binary():
    """The program under test, from COUNTERSIGN_BINARY."""
    path = os.environ.get("COUNTERSIGN_BINARY", "")
    if not path:
        raise RuntimeError("COUNTERSIGN_BINARY must name the built program")
    return path


def environment(**more):
    """The caller's, without settings of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COUNTERSIGN_")}
    return {**kept, **more}


def arguments_of(settings):
    return [f"--set={key}={value}" for key, value in settings.items()]


def run_program(*arguments, settings=None, stdin=None):
    """Runs one command to its end; returns the finished process with its output as text."""
    return subprocess.run([binary(), *arguments, *arguments_of(settings or {})], env=environment(), input=stdin,
                          capture_output=True, text=True, timeout=600, check=False)


# What a scenario sets unless it says otherwise: short pauses, and limits and deadlines that no scenario meets by
# accident, on a machine that stands still for a minute either.
_SETTINGS = {
    "log.format": "json",
    "dispatcher.poll_interval_ms": 50,
    "expiry.poll_interval_ms": 50,
    "inbound.timeout_ms": 600_000,
    "notifications.enabled": "false",  # the mails of a scenario are its own; test_reviewer_mail.py turns them on
    "notifications.on_unseen": "approve",
    "rate_limits.poll_per_minute": 1_000_000,
    "rate_limits.send_per_minute": 1_000_000,
    "rate_limits.registration_per_hour": 1_000_000,
    "stop_timeout_seconds": 600,
    "store.deadline_ms": 300_000,
    "webhooks.timeout_ms": 600_000,
    "websocket.pong_timeout_ms": 600_000,
    "websocket.write_timeout_ms": 600_000,
}


class Server:
    """One node. Its data directory, settings and port stay the same over restarts."""

    def __init__(self, store, directory, *, settings=None, name="node"):
        self._log = Path(directory) / f"{name}.log"
        self._log.touch()
        self._process = None
        self._begin = 0  # where in the log the present process began
        self._expected_errors = set()
        self.store = store
        self.data_dir = Path(directory)
        self.settings = {**_SETTINGS, "data_dir": directory, "store.url": store.url,
                         "http.listen": f"127.0.0.1:{free_port()}", "inbound.listen": "127.0.0.1:0", **(settings or {})}
        self.url = f"http://{self.settings['http.listen']}"
        self.maildir = Maildir(self.settings.get("outbound.maildir", self.data_dir / "outbound"))

    # Its life.

    def start(self, fault="", fault_file=None):
        """Starts the process and returns when it serves, or when `fault` (a COUNTERSIGN_FAULT) has killed
        it already. `fault_file` is a COUNTERSIGN_FAULT_FILE."""
        variables = {"COUNTERSIGN_FAULT": fault, "COUNTERSIGN_FAULT_FILE": str(fault_file or "")}
        self._begin = self._log.stat().st_size
        with open(self._log, "ab") as log:
            # The kernel ends the server when this process dies.
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "--", binary(), "serve", *arguments_of(self.settings)],
                env=environment(**{name: value for name, value in variables.items() if value}),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        eventually("the server is ready", lambda: self._ready_or_ended(bool(fault or fault_file)))
        return self

    def restart(self, fault="", fault_file=None):
        """Starts it again after it has ended."""
        assert not self.is_running, "the server still runs"
        return self.start(fault, fault_file)

    def kill9(self):
        self._process.kill()
        self._process.wait()
        self._process = None

    def wait_until_killed(self):
        """Waits for the death that a fault point was armed for."""
        status = self._process.wait(timeout=_STOP_SECONDS)
        self._process = None
        assert status == -signal.SIGKILL, f"the server ended with {status} rather than by the fault point"

    def wait_briefly_for_death(self):
        """Whether it is dead, also when its connections have ended some time before it has: who lives answers."""
        try:
            self._process.wait(timeout=0.2)
        except subprocess.TimeoutExpired:
            eventually("it is dead, or answers", lambda: not self.is_running or self.is_ready())
        return not self.is_running

    def terminate(self):
        """SIGTERM, without waiting. A process that has ended already is left alone."""
        self._process.terminate()

    def hang_up(self):
        """SIGHUP, as when the terminal goes away."""
        self._process.send_signal(signal.SIGHUP)

    def wait_until_ended(self):
        """The exit status."""
        status = self._process.wait(timeout=_STOP_SECONDS)
        self._process = None
        return status

    def stop(self):
        """Stops it in good order."""
        self.terminate()
        status = self.wait_until_ended()
        assert status == 0, f"the server ended with {status}"

    @property
    def is_stopped(self):
        """True from a SIGSTOP to its SIGCONT."""
        with open(f"/proc/{self._process.pid}/stat", encoding="ascii") as stat:
            return stat.read().rpartition(")")[2].split()[0] == "T"

    @property
    def resident_bytes(self):
        [kilobytes] = [line.split()[1] for line in Path(f"/proc/{self._process.pid}/status").read_text().splitlines()
                       if line.startswith("VmRSS:")]
        return int(kilobytes) * 1024

    @property
    def cpu_seconds(self):
        """Time the process has spent on processors, its own and the kernel's for it."""
        with open(f"/proc/{self._process.pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resume(self):
        self._process.send_signal(signal.SIGCONT)

    @property
    def is_running(self):
        """False from its death on, whoever caused it."""
        return self._process is not None and self._process.poll() is None

    # What it says.

    def expect_errors(self, *events):
        """Lets the log hold error-level lines of these events; any other fails the scenario."""
        self._expected_errors.update(events)

    def log_text(self):
        return self._log.read_text(errors="replace")

    def log_events(self, event):
        """The log lines of that event since the last start, as dictionaries."""
        return [line for line in self._log_lines(self._begin) if line.get("event") == event]

    def log_faults(self):
        """Whatever must not be in any log: unexpected errors and sanitizer reports."""
        faults = [line for line in self._log_lines(0)
                  if line.get("level") == "error" and line["event"] not in self._expected_errors]
        return faults + [line for line in self.log_text().splitlines() if _SANITIZER_REPORT.search(line)]

    def is_ready(self):
        try:
            return Client(self.url).request("GET", "/readyz").status == 200
        except GONE:
            return False

    # Other commands on the same store.

    def run(self, command, *arguments):
        """Runs `countersign COMMAND` with the settings of this server."""
        return run_program(command, *arguments, settings=self.settings)

    def run_with_input(self, *arguments, stdin):
        """The same for a command that reads its standard input."""
        return run_program(*arguments, settings=self.settings, stdin=stdin)

    def bootstrap(self, email="owner@example.com"):
        """The key of a new account."""
        done = self.run("bootstrap", email)
        assert done.returncode == 0, f"bootstrap: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def check(self):
        """The invariants hold over the store."""
        done = self.run("check")
        assert done.returncode == 0, f"check: exit {done.returncode}\n{done.stdout}{done.stderr}"

    def _ready_or_ended(self, may_be_killed):
        status = self._process.poll()
        if status is None:
            return self.is_ready()
        if may_be_killed and status == -signal.SIGKILL:
            return True
        self._process = None
        raise AssertionError(f"the server ended with {status} instead of serving")

    def _log_lines(self, begin):
        with open(self._log, "rb") as log:
            log.seek(begin)
            text = log.read().decode(errors="replace")
        lines = []
        for line in text.splitlines():
            try:
                parsed = json.loads(line)
            except ValueError:
                continue
            if isinstance(parsed, dict):
                lines.append(parsed)
        return lines
