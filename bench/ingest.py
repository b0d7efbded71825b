"""Durable ingest: how fast mail is taken in, next to Postfix's queue and to smtp-sink, which stores nothing.

    bench/ingest.py sqlite [OPTION…]                   COUNTERSIGN_BINARY is the program
    bench/ingest.py postgres POSTGRES_URL [OPTION…]

smtp-source sends messages of 1 KB and 10 KB to one recipient, over connections that stay (-d) and over one per message,
with 1, 10 and 50 sessions. Every cell runs against each receiver in turn, so that what else the machine does meets all:

    ours      countersign serve: durable before 250; SPF and DMARC of each message are checked, and it is put into its
              mailbox, while more comes in. Answers of the DNS are local. "all in" counts until the last message is in
              its mailbox.
    postfix   a Postfix of its own that holds everything: smtpd, cleanup, and the queue file synchronised before 250;
              no delivery competes with it, and it writes no log
    sink      smtp-sink

Needs root (Postfix does). Data goes to TMPDIR, which must be a disk for the figures to mean anything.
"""

import argparse
import dataclasses
import os
import shutil
import statistics
import subprocess
import sys
import time

from drain import PostfixSink, Place, eventually, free_port, pause

import mail_relay  # noqa: E402  (drain.py makes tests/support importable)
from mail_relay import HOST, MailRelay  # noqa: E402

AGENT = "bench@agents.localhost"
SENDER_DOMAIN = "sender.example"
ZONE = "\n".join([f'{SENDER_DOMAIN}. 3600 IN TXT "v=spf1 ip4:127.0.0.1 -all"',
                  f'_dmarc.{SENDER_DOMAIN}. 3600 IN TXT "v=DMARC1; p=reject"'])
SIZES = (1_000, 10_000)
SESSIONS = (1, 10, 50)
WARM_UP_MESSAGES = 100
MESSAGES_MAX = 25_000  # per connection a port, and a closed one stays taken for a minute

# smtpd and cleanup as Debian sets them up; HOLD keeps the queue manager out of it.
MAIN_CF = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
mail_owner = postfix
setgid_group = postdrop
myhostname = relay.test
inet_interfaces = {host}
inet_protocols = ipv4
mydestination = agents.localhost
mynetworks = {host}
alias_maps =
alias_database =
local_recipient_maps =
notify_classes =
smtpd_peername_lookup = no
disable_dns_lookups = yes
smtpd_client_event_limit_exceptions = {host}
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_recipient_restrictions = check_recipient_access static:HOLD
"""

MASTER_CF = """\
{host}:{port} inet n - n - 100 smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - n n - - proxymap
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
smtp unix - - n - - error
relay unix - - n - - error
local unix - n n - - error
anvil unix - - n - 1 anvil
"""


class PostfixQueue(MailRelay):
    """Postfix that queues and delivers nothing."""

    def configure(self):
        for name in ("config", "queue", "data"):
            (self.folder / name).mkdir(mode=0o755)
        shutil.chown(self.folder / "data", "postfix")
        values = {"folder": self.folder, "host": HOST, "port": free_port()}
        (self.folder / "config/main.cf").write_text(MAIN_CF.format(**values))
        (self.folder / "config/master.cf").write_text(MASTER_CF.format(**values))
        self.info = {"host": HOST, "port": values["port"]}
        self.port = values["port"]

    def launch(self):
        self.spawn("postfix", "-c", self.folder / "config", "start-fg")
        self.wait_until(self.greets)

    def end(self):
        if self.children:
            subprocess.run(["postfix", "-c", self.folder / "config", "abort"], capture_output=True, check=False)

    def held(self):
        return sum(len(files) for _, _, files in os.walk(self.folder / "queue/hold"))

    def empty(self):
        """A queue folder that fills up would make the later cells slower."""
        subprocess.run(["postsuper", "-c", self.folder / "config", "-d", "ALL"], capture_output=True, check=True)


@dataclasses.dataclass(frozen=True)
class Cell:
    size: int
    persistent: bool
    sessions: int

    def __str__(self):
        kind = "persistent" if self.persistent else "one each"
        return f"{self.size // 1000:>3} KB {kind:<10} {self.sessions:>3}"


def rate_of_source(port, cell, messages):
    """Messages per second that smtp-source was told 250 for."""
    began = time.monotonic()
    subprocess.run(["smtp-source", *(["-d"] if cell.persistent else []), "-s", str(cell.sessions), "-m", str(messages),
                    "-l", str(cell.size), "-M", SENDER_DOMAIN, "-f", f"someone@{SENDER_DOMAIN}", "-t", AGENT,
                    f"{HOST}:{port}"], check=True)
    return messages / (time.monotonic() - began)


def timed_rate(port, cell, seconds):
    """The rate of a run of about so many seconds, and how many messages were sent in all."""
    warm = max(WARM_UP_MESSAGES, cell.sessions * 4)
    guess = rate_of_source(port, cell, warm)
    messages = min(MESSAGES_MAX, max(cell.sessions * 4, int(guess * seconds)))
    return rate_of_source(port, cell, messages), messages, warm + messages


class Ours:
    """The server, and the mailbox that it fills."""

    def __init__(self, kind, postgres_url):
        self.port = free_port()
        self._place = Place(kind, postgres_url, inbound__listen=f"{HOST}:{self.port}", dns__servers="127.0.0.1@9",
                            dns__timeout_ms=300, dns__local_data=ZONE, smtp__port=1)
        self._sent = 0

    def __enter__(self):
        self._place.__enter__()
        return self

    def __exit__(self, *details):
        self._place.__exit__(*details)

    def measure(self, cell, seconds):
        """Accepted per second, in the mailbox per second, µs of processor time per message until it is there."""
        spent = self._place.server.cpu_seconds
        rate, messages, sent = timed_rate(self.port, cell, seconds)
        began = time.monotonic() - messages / rate
        eventually("everything is in the mailbox", lambda: pause() or self._waiting() == 0, 300)
        all_in = messages / (time.monotonic() - began)
        self._sent += sent
        [[there]] = self._place.store.rows(f"SELECT count(*) FROM messages WHERE agent_email = '{AGENT}'")
        if int(there) != self._sent:
            raise RuntimeError(f"{there} messages of {self._sent} are in the mailbox")
        return rate, all_in, (self._place.server.cpu_seconds - spent) / sent * 1e6

    def _waiting(self):
        [[waiting]] = self._place.store.rows("SELECT count(*) FROM arrival_contents")
        return int(waiting)


def rate_of_postfix(postfix, cell, seconds):
    rate, _, sent = timed_rate(postfix.port, cell, seconds)
    if postfix.held() != sent:
        raise RuntimeError(f"Postfix holds {postfix.held()} messages of {sent}")
    postfix.empty()
    return rate


def measured(ours, postfix, sink, cell, arguments):
    """The medians of the rounds, as a line of the table."""
    rounds = []
    for _ in range(arguments.rounds):
        rounds.append((*ours.measure(cell, arguments.seconds), rate_of_postfix(postfix, cell, arguments.seconds),
                       timed_rate(sink.port, cell, arguments.seconds)[0]))
    taken, all_in, cpu, queue, nothing = (statistics.median(column) for column in zip(*rounds))
    return (f"{cell} {taken:>9.0f}/s {all_in:>9.0f}/s {queue:>9.0f}/s {nothing:>9.0f}/s {taken / queue:>9.2f} "
            f"{taken / nothing:>7.2f} {cpu:>8.0f}")


def numbers(text):
    return [int(part) for part in text.split(",")]


def arguments_of(argv):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", choices=("sqlite", "postgres"))
    parser.add_argument("postgres_url", nargs="?", help="a server on which databases may be created")
    parser.add_argument("--seconds", type=float, default=4, help="how long each receiver is sent to (default: 4)")
    parser.add_argument("--rounds", type=int, default=3, help="of which the median counts (default: 3)")
    parser.add_argument("--sizes", type=numbers, default=list(SIZES), help="bytes, separated by commas")
    parser.add_argument("--sessions", type=numbers, default=list(SESSIONS), help="separated by commas")
    parser.add_argument("--connections", choices=("persistent", "each", "both"), default="both")
    return parser.parse_args(argv)


def main():
    arguments = arguments_of(sys.argv[1:])
    ways = {"persistent": [True], "each": [False], "both": [True, False]}[arguments.connections]
    cells = [Cell(size, way, sessions) for size in arguments.sizes for way in ways for sessions in arguments.sessions]
    print(f"{'message, connections, sessions':<22} {'taken':>7} {'all in':>11} {'postfix':>11} {'sink':>11} "
          f"{'÷ postfix':>11} {'÷ sink':>7} {'µs each':>8}", flush=True)
    with Ours(arguments.store, arguments.postgres_url) as ours, PostfixQueue() as postfix, PostfixSink() as sink:
        for done, cell in enumerate(cells, 1):
            print(measured(ours, postfix, sink, cell, arguments), flush=True)
            print(f"  {done} of {len(cells)} cells", end="\r", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
