"""One server with a store and a peer of its own, on which faults strike one after the other.

A run: messages are held; a fault is armed; the messages are approved with keys, as an SDK would, until there is
a final answer; the fault strikes; a process that died is started again; everything settles. Then the peer's own
record is compared with what the API says, and `countersign check` looks at the store.
"""

import collections
import dataclasses
import os
import pathlib
import random
import shutil
import tempfile
import threading
import time

from boundaries import Boundary
from peers import PEERS, READER
from support.client import GONE, Account, Client, draft, path_of
from support.server import Server
from support.stores import PostgresStore, SqliteStore
from support.waiting import TimedOut

AGENT = "ada@agents.localhost"
ERROR, SIGKILL = "error", "SIGKILL"
MOMENT = "a random moment under load"

_STRIKE_SECONDS = 120
_SETTLE_SECONDS = 300
_REQUEST_SECONDS = 120
_RUNS_PER_STORE = 60  # `check` looks at everything, so a store does not live for ever
_FINAL = ("sent", "delivered", "failed", "unknown")
_LOAD_MESSAGES = 12
_LOAD_THREADS = 3


@dataclasses.dataclass(frozen=True)
class Row:
    """One line of the table."""
    store: str
    transport: str
    boundary: Boundary  # None: at a random moment under load
    action: str

    @property
    def point(self):
        return self.boundary.name if self.boundary else MOMENT

    @property
    def name(self):
        return f"{self.store}/{self.transport}/{self.point}/{self.action}"


@dataclasses.dataclass
class Outcome:
    """What came of one run."""
    struck: bool = False
    messages: int = 0
    duplicates: int = 0
    losses: int = 0
    split: int = 0
    unknown: int = 0
    unknown_elsewhere: int = 0
    by_evidence: int = 0
    settle_seconds: float = 0.0
    complaints: list = dataclasses.field(default_factory=list)

    @property
    def is_bad(self):
        return bool(self.duplicates or self.losses or self.split or self.unknown_elsewhere or self.complaints)


class Lane:
    """Runs on one thread; close() ends what it has started."""

    def __init__(self, store_kind, transport, postgres_url):
        self.store_kind = store_kind
        self.transport = transport
        self._postgres_url = postgres_url
        self._subjects = {}
        self._runs = 0
        self._all = []  # every message of the present store
        self._next_life = None  # armed when the process is started again
        self.directory = self.store = self.server = self.account = self.peer = None

    # The world of a run.

    def open(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="countersign-torture."))
        self.store = (SqliteStore(self.directory) if self.store_kind == "sqlite"
                      else PostgresStore(self._postgres_url))
        self.peer = PEERS[self.transport]().__enter__()
        self._subjects, self._runs, self._all = {}, 0, []
        settings = {"dispatcher.lease_seconds": 5, "dispatcher.poll_interval_ms": 20, "log.level": "warn",
                    "store.connections": 4, "http.threads": 2, **self.peer.settings()}
        self.server = Server(self.store, self.directory, settings=settings)
        self.peer.server_url = self.server.url
        self.account = Account(Client(self.server.url, self.server.bootstrap()))
        self.start()
        for agent in (AGENT, READER):
            self.account.create_agent(agent)
        self.account.hold_everything(AGENT, ttl_seconds=86_400)

    @property
    def fault_file(self):
        return self.directory / "fault"

    @property
    def _acted_file(self):
        return self.directory / "fault.acted"

    def start(self):
        self.server.start(fault_file=self.fault_file)

    def close(self):
        """Returns complaints about the store as a whole."""
        if self.server is None:
            return []
        complaints = []
        try:
            if self.server.is_running:
                self.server.stop()
            complaints += self.check()
            complaints += self._look_back()
            log = self.server.log_text()
            complaints += [line for line in log.splitlines() if "assertion failed" in line]
        except AssertionError as error:
            complaints.append(str(error))
        finally:
            if self.server.is_running:
                self.server.kill9()
            self.peer.__exit__(None, None, None)
            self.store.close()
            if complaints and os.environ.get("COUNTERSIGN_TORTURE_KEEP"):
                complaints.append(f"kept: {self.directory}")
            else:
                shutil.rmtree(self.directory)
            self.server = None
        return complaints

    def check(self):
        done = self.server.run("check")
        return [] if done.returncode == 0 else [f"check: {done.stdout}{done.stderr}".strip()]

    def _look_back(self):
        """No copy came late."""
        if self.transport == "loopback":
            return []
        doubled = [message for message in self._all
                   if any(count > 1 for count in self.peer.copies_of(self, message).values())]
        return [f"doubled in the end: {message}" for message in doubled]

    # Asking.

    def ask(self, method, path):
        return self.account.ask(200, method, path).json

    def subject_of(self, message_id):
        return self._subjects[message_id]

    def _insist(self, message_id):
        """The final answer to the approval, from however many requests and processes it takes."""
        until = time.monotonic() + _SETTLE_SECONDS
        while True:
            try:
                answer = self.account.client.request("POST", path_of("reviews", message_id, "approve"), {},
                                                     key="approve " + message_id, timeout=_REQUEST_SECONDS)
                if answer.status not in (408, 429, 500, 502, 503, 504) and answer.code != "idempotency_in_flight":
                    return answer
            except GONE as error:
                answer = error
                self.revive()
            if time.monotonic() > until:
                raise TimedOut(f"approving {message_id}: {answer!r}")
            time.sleep(0.02)

    def revive(self):
        """Starts the process again if it is dead."""
        if not self.server.wait_briefly_for_death():
            return
        self.server.wait_until_killed()
        if self._next_life is not None:
            self.arm(self._next_life)
            self._next_life = None
        self.start()

    def hold(self, number, tag):
        ids = []
        for turn in range(number):
            subject = f"{tag}.{turn}"
            message_id = self.account.send(AGENT, draft(subject, self.peer.recipient(turn)))["message_id"]
            self._subjects[message_id] = subject
            ids.append(message_id)
        self._all += ids
        return ids

    # Faults.

    def arm(self, text):
        self._acted_file.unlink(missing_ok=True)
        new = self.directory / "fault.new"
        new.write_text(text)
        new.rename(self.fault_file)

    def acted(self):
        return self._acted_file.exists()

    def _arm_row(self, row):
        """The text to arm now, and the one to arm once the first has killed the process."""
        word = {ERROR: "throw", SIGKILL: "kill"}[row.action]
        fault = f"{row.boundary.fault}={word}"
        if not row.boundary.first:
            return fault, None
        if row.boundary.first.endswith("=kill"):
            return row.boundary.first, fault
        return f"{row.boundary.first},{fault}", None

    def run(self, row, chance):
        """One run of the row; `chance` decides what is left to it."""
        if self.server is not None and self._runs >= _RUNS_PER_STORE:
            complaints = self.close()
            if complaints:
                return Outcome(struck=True, complaints=complaints)
        if self.server is None:
            self.open()
        self._runs += 1
        outcome = Outcome()
        try:
            tag = f"R{self._runs}-{chance.randrange(1 << 32):08x}"
            if row.boundary is None:
                ids, began = self._strike_at_a_moment(tag, chance, outcome)
            else:
                ids, began = self._strike(row, tag, chance, outcome)
            outcome.messages = len(ids)
            if outcome.struck:
                self._settle(ids, outcome, began)
                self._judge(row, ids, outcome)
                outcome.complaints += self.check()
        except (AssertionError, *GONE) as error:
            outcome.struck = True
            outcome.complaints.append(f"{type(error).__name__}: {error}")
        if outcome.is_bad or not outcome.struck:
            self._next_life = None
            self.fault_file.unlink(missing_ok=True)
            outcome.complaints += self.close()  # the next run begins with a store of its own
        return outcome

    def _strike(self, row, tag, chance, outcome):
        until = time.monotonic() + _STRIKE_SECONDS
        # A crash elsewhere than in the window must leave nothing unknown, which other messages would hide.
        alone = row.action == SIGKILL and not row.boundary.may_be_unknown(self.transport)
        ids = self.hold(1 if alone else chance.choice((1, 1, 2, 4)), tag)
        self.peer.before_run(row.boundary)
        now, self._next_life = self._arm_row(row)
        self.arm(now)
        answers = {message: self._insist(message) for message in ids}
        while self._next_life is not None and time.monotonic() < until:
            self.revive()
        outcome.struck = self._wait_for_strike(row)
        began = time.monotonic()
        if row.action == SIGKILL and outcome.struck:
            self.revive()
        self._compare_repeats(ids, answers, outcome)
        return ids, began

    def _wait_for_strike(self, row):
        wanted = row.boundary.fault.rpartition(">")[2].partition("@")[0]
        until = time.monotonic() + _STRIKE_SECONDS
        while time.monotonic() < until:
            if self.acted() and wanted in self._acted_file.read_text().split():
                return True
            time.sleep(0.005)
        return False

    def _compare_repeats(self, ids, answers, outcome):
        for message in ids:
            again = self._insist(message)
            if (again.status, again.body) != (answers[message].status, answers[message].body):
                outcome.split += 1
                outcome.complaints.append(f"another answer: {answers[message]!r}, then {again!r}")
            elif again.status not in (200, 202):
                outcome.complaints.append(f"approval refused: {again!r}")

    def _strike_at_a_moment(self, tag, chance, outcome):
        """SIGKILL while several reviewers are at work and the queue drains."""
        ids = self.hold(_LOAD_MESSAGES, tag)
        workers = [threading.Thread(target=self._approve_once, args=(ids[turn::_LOAD_THREADS],))
                   for turn in range(_LOAD_THREADS)]
        for worker in workers:
            worker.start()
        time.sleep(chance.uniform(0.0, 0.12))  # the moment is the point: nothing is waited for
        self.server.kill9()
        began = time.monotonic()
        for worker in workers:
            worker.join()
        self.start()
        outcome.struck = True
        answers = {message: self._insist(message) for message in ids}
        self._compare_repeats(ids, answers, outcome)
        return ids, began

    def _approve_once(self, ids):
        for message in ids:
            try:
                self.account.client.request("POST", path_of("reviews", message, "approve"), {},
                                            key="approve " + message, timeout=_REQUEST_SECONDS)
            except GONE:
                return

    # What came of it.

    def _status_of(self, message):
        return self.account.review(message).get("delivery_status")

    def _has_ended(self, message):
        status = self._status_of(message)
        return status in _FINAL and not (status == "unknown" and self.peer.will_tell(self, message))

    def _settle(self, ids, outcome, began):
        """Waits until every message has an end, and what is owed was written."""
        waiting = list(ids)
        until = time.monotonic() + _SETTLE_SECONDS
        pause = 0.005
        while waiting and time.monotonic() < until:
            waiting = [message for message in waiting if not self._has_ended(message)]
            if waiting:
                time.sleep(pause)
                pause = min(pause * 1.5, 0.1)
        outcome.settle_seconds = time.monotonic() - began
        for message in waiting:
            outcome.losses += 1
            outcome.complaints.append(f"{message} did not settle: {self.account.review(message)}")

    def _settled_by_evidence(self, message):
        """Whether the hand-over was settled by what the provider told, rather than by its answer."""
        if self.transport != "ses":
            return 0
        return len(self.store.rows(f"SELECT id FROM submissions WHERE message_id = '{message}' AND settled_by = "
                                   "'evidence'"))

    def _judge(self, row, ids, outcome):
        for turn, message in enumerate(ids):
            review = self.account.review(message)
            status = review.get("delivery_status")
            copies = self.peer.copies_of(self, message)
            wanted = collections.Counter([self.peer.recipient(turn)])
            outcome.by_evidence += self._settled_by_evidence(message)
            too_many = sum((copies - wanted).values())
            if too_many:
                outcome.duplicates += too_many
                outcome.complaints.append(f"{message} {status}: {dict(copies)}")
            elif status in self.peer.finished and copies != wanted:
                outcome.losses += 1
                outcome.complaints.append(f"{message} is {status} and nobody has it")
            elif status == "failed" or review.get("review_status") != "sent":
                outcome.split += 1
                outcome.complaints.append(f"{message}: {review}, copies {dict(copies)}")
            elif status == "unknown":
                outcome.unknown += 1
                if row.boundary is not None and not row.boundary.may_be_unknown(self.transport):
                    outcome.unknown_elsewhere += 1
                    outcome.complaints.append(f"{message} is unknown: {review.get('delivery_detail')}")


def chance_of(seed, row, run):
    """What is left to chance in that run: the same for the same seed, row and number."""
    return random.Random(f"{seed}|{row.name}|{run}")
