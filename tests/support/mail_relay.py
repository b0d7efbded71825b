"""What the relays for tests have in common: a private folder, child processes, one Maildir, and a way to be
driven by programs in other languages.

As a program a relay prints what a client needs as one line of JSON, and stops when its standard input ends or
it is told to terminate. A line "wait N" on standard input is answered, once N messages have arrived, with a
line of JSON: the paths of all of them, or {"error": …}.

Two of them come from Debian packages that cannot be installed beside Postfix. They are used unpacked, as
scripts/install leaves them below build/unpacked; the environment variable COUNTERSIGN_UNPACKED names another
folder.
"""

import dataclasses
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

HOST = "127.0.0.1"
MAILBOX_USER = "nobody"
START_SECONDS_MAX = 300
STOP_SECONDS_MAX = 15
POLL_SECONDS = 0.02
_UNPACKED = pathlib.Path(__file__).resolve().parents[2] / "build/unpacked"

# Users of packages that are not installed, for the /etc/passwd of a mount namespace.
USERS = {"opensmtpd": 64001, "opensmtpq": 64002, "Debian-exim": 64003}


@dataclasses.dataclass(frozen=True)
class Forward:
    """A receiver on this machine that gets all mail for `domain`: for the address clear@… the plain way, without
    TLS, PIPELINING and CHUNKING; for every other with all that the relay can, and under TLS that it verifies
    against `ca_file`. With it, a relay takes mail of up to FORWARDED_BYTES_MAX from this machine without AUTH."""
    domain: str
    port: int
    ca_file: str


CA_OF_RECEIVER = "receiver-ca.pem"  # a relay's own copy, which its user may read
RELAYED_BYTES_MAX = 20_000_000
FORWARDED_BYTES_MAX = 40_000_000


def run(*command, **options):
    """Runs a command; on failure the exception shows what it said."""
    done = subprocess.run(command, capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} failed ({done.returncode}): {done.stdout}{done.stderr}")
    return done.stdout


def unpacked(package):
    """The folder of an unpacked Debian package."""
    return pathlib.Path(os.environ.get("COUNTERSIGN_UNPACKED") or _UNPACKED).absolute() / package


def write_users(folder):
    """This machine's `passwd` and `group` with the users that unpacked packages want, in `folder`."""
    for name, line in (("passwd", "{0}:x:{1}:{1}::/nonexistent:/bin/false\n"), ("group", "{0}:x:{1}:\n")):
        more = "".join(line.format(user, number) for user, number in USERS.items())
        (folder / name).write_text(pathlib.Path("/etc", name).read_text() + more)


class MailRelay:
    """Subclasses write the configuration, spawn the processes, and fill `info`."""

    package = None  # a Debian package that is used unpacked

    def __init__(self, forward=None):
        self.forward = forward
        self.message_bytes_max = FORWARDED_BYTES_MAX if forward else RELAYED_BYTES_MAX
        self.folder = None
        self.children = []
        self.info = {}

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    @classmethod
    def is_there(cls):
        """Whether its package is."""
        return cls.package is None or unpacked(cls.package).is_dir()

    def configure(self):
        """Writes everything below self.folder and fills self.info."""
        raise NotImplementedError

    def launch(self):
        """Spawns the processes and returns when they answer."""
        raise NotImplementedError

    def end(self):
        """Asks the processes to end."""
        for child in self.children:
            child.terminate()

    def start(self):
        """Returns when the relay answers. Raises RuntimeError with its logs when it does not."""
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="countersign-relay-"))
        try:
            self.folder.chmod(0o755)  # the relay's own user has to get through
            if self.forward:
                shutil.copy(self.forward.ca_file, self.folder / CA_OF_RECEIVER)
            self.configure()
            self.launch()
        except BaseException:
            self.stop()
            raise

    def stop(self):
        """Stops the relay if it runs, and removes its folder."""
        self.end()
        for child in self.children:
            try:
                child.wait(STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        self.children = []
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder = None

    def spawn(self, *command):
        with open(self.folder / "start.log", "ab") as output:
            self.children.append(subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT,
                                                  stdin=subprocess.DEVNULL))

    def wait_until(self, ready):
        until = time.monotonic() + START_SECONDS_MAX
        while not ready():
            self.insist(time.monotonic() <= until)
            time.sleep(POLL_SECONDS)
        self.insist(True)  # who is ready must be ours

    def insist(self, good):
        """Raises RuntimeError with the logs unless it is `good` and every child still runs."""
        if not good or any(child.poll() is not None for child in self.children):
            raise RuntimeError("the relay does not start:\n" + self.logs())

    def greets(self):
        try:
            with socket.create_connection((HOST, self.info["port"]), timeout=START_SECONDS_MAX) as connection:
                return connection.recv(4) == b"220 "
        except OSError:
            return False

    def logs(self):
        return "".join(file.read_text(errors="replace") for file in sorted(self.folder.glob("*.log")))

    def mails(self):
        """The received messages, as paths, oldest first."""
        new = pathlib.Path(self.info["maildir"]) / "new"
        return sorted(new.iterdir(), key=lambda path: path.stat().st_mtime_ns) if new.is_dir() else []

    def wait_for_mail(self, count, seconds_max=300):
        """Waits until at least `count` messages are there, and returns all of them as bytes, oldest first."""
        until = time.monotonic() + seconds_max
        while len(self.mails()) < count:
            if time.monotonic() > until:
                raise TimeoutError(f"{len(self.mails())} of {count} messages arrived:\n{self.logs()}")
            time.sleep(POLL_SECONDS)
        return [path.read_bytes() for path in self.mails()]


def main(relay_class):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with relay_class() as relay:
        print(json.dumps(relay.info), flush=True)
        for line in sys.stdin:
            try:
                relay.wait_for_mail(int(line.removeprefix("wait ")))
                answer = [str(path) for path in relay.mails()]
            except (TimeoutError, ValueError) as error:
                answer = {"error": str(error)}
            print(json.dumps(answer), flush=True)
