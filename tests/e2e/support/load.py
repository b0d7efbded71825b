"""Clients that keep sending and approving, as SDKs do: keyed, and repeated until there is a final answer."""

import collections
import itertools
import threading

from support.client import draft, path_of
from support.waiting import eventually

OPEN_AGENT = "open@agents.localhost"
HELD_AGENT = "held@agents.localhost"


class Load:
    """Threads that each send one message as OPEN_AGENT, then one as HELD_AGENT, which they approve, and so
    on. `places` are the URLs of the servers: every request goes to the next, and so does its repetition."""

    def __init__(self, account, places, *, threads=4):
        self._clients = [account.client.at(place) for place in places]
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._work, args=(number,)) for number in range(threads)]
        self.acknowledged = {}  # subject → message id, from final answers
        self.refusals = collections.Counter()  # statuses of answers that were not final
        self.unanswered = 0  # requests that ended without an answer
        self.refusals_without_retry_after = 0
        self.faults = []

    @staticmethod
    def prepare(account):
        for agent in (OPEN_AGENT, HELD_AGENT):
            account.create_agent(agent)
        account.hold_everything(HELD_AGENT)

    def start(self):
        for thread in self._threads:
            thread.start()

    def stop(self):
        """Returns when every message that was begun has its final answer. Raises what a thread met."""
        self._stop.set()
        for thread in self._threads:
            thread.join()
        if self.faults:
            raise self.faults[0]

    def wait_for_progress(self, messages):
        """Returns when that many more messages were acknowledged."""
        target = len(self.acknowledged) + messages
        eventually(f"{messages} more messages are acknowledged",
                   lambda: self.faults or len(self.acknowledged) >= target)
        if self.faults:
            raise self.faults[0]

    def _work(self, number):
        first = number % len(self._clients)
        clients = itertools.cycle(self._clients[first:] + self._clients[:first])
        try:
            for turn in itertools.count():
                if self._stop.is_set():
                    return
                agent = (OPEN_AGENT, HELD_AGENT)[turn % 2]
                subject = f"Number {turn} of client {number}"
                answer = self._insist(clients, path_of("agents", agent, "messages"), draft(subject), subject)
                message_id = answer["message_id"]
                if answer["status"] == "pending_review":
                    approve = path_of("reviews", message_id, "approve")
                    self._insist(clients, approve, {}, "approve " + message_id)
                with self._lock:
                    self.acknowledged[subject] = message_id
        except BaseException as fault:  # reported by stop() on the scenario's own thread
            self.faults.append(fault)

    def _insist(self, clients, path, body, key):
        answer = next(clients).insist("POST", path, body, key=key, on_retry=self._note,
                                      next_client=lambda: next(clients))
        if answer.status != 202:
            raise AssertionError(f"{path}: {answer!r}")
        return answer.json

    def _note(self, why):
        with self._lock:
            if isinstance(why, Exception):
                self.unanswered += 1
                return
            self.refusals[why.status] += 1
            if why.status in (429, 503) and "retry-after" not in why.headers:
                self.refusals_without_retry_after += 1


def assert_nothing_lost_or_doubled(scenario, load, maildir):
    """Every acknowledged message is stored and delivered once, and there are no others."""
    scenario.wait_until_settled()
    stored = scenario.store.rows("SELECT id FROM messages WHERE direction = 'outbound'")
    scenario.assertEqual(sorted(row[0] for row in stored), sorted(load.acknowledged.values()))
    # An answer that came when its lease was over turns "unknown" into "sent".
    eventually("every message is sent", lambda: scenario.store.rows(
        "SELECT DISTINCT delivery_status FROM messages WHERE direction = 'outbound'") == [["sent"]])
    eventually("every mail arrives", lambda: len(maildir.copies()) >= len(load.acknowledged))
    copies = maildir.copies()
    scenario.assertEqual(set(copies), set(load.acknowledged.values()))
    scenario.assertEqual(set(copies.values()), {1})
    subjects = {mail.subject for mail in maildir.mails()}
    scenario.assertEqual(subjects, set(load.acknowledged))
    hand_overs = scenario.store.rows("SELECT message_id FROM submissions WHERE state = 'accepted'")
    scenario.assertEqual(sorted(row[0] for row in hand_overs), sorted(load.acknowledged.values()))
