"""The connection to the relay is cut at every step of a dialogue, and at every byte of its end."""

import unittest

from support.client import draft
from support.peers import CLIENT, SERVER, CutAfterBytes, CuttingProxy, SmtpSink, plain_relay
from support.scenario import AGENT, on_both_stores
from support.waiting import eventually

RECIPIENT = "someone@example.org"
ONCE = ("sent", 1)  # delivery_status, copies the relay has
NOT_THERE = ("unknown", 0)
TAKEN = ("unknown", 1)
OPEN = ("queued", "claimed", "handover")  # states of an attempt


class Dialogue:
    """Where the steps of an undisturbed dialogue lie in its two streams, in bytes."""

    def __init__(self, transcript):
        client, server = transcript[CLIENT], transcript[SERVER]
        self.content = client.index(b"DATA\r\n") + 6
        self.dot = client.index(b"\r\n.\r\n") + 2
        self.go_ahead = server.index(b"\r\n", server.index(b"354 ")) + 2
        self.answer_end = server.index(b"\r\n", self.go_ahead) + 2
        self.commands = [end for end in line_ends(client) if end <= self.content]
        self.answers = [end for end in line_ends(server) if end <= self.go_ahead]

    def cuts(self):
        """(who sends, after how many bytes, what may come of it)"""
        for number in self.commands:
            yield CLIENT, number, {ONCE}
        for number in [0, 3, *self.answers[:-1]]:
            yield SERVER, number, {ONCE}
        for number in (self.dot + 1, self.dot + 2):
            yield CLIENT, number, {NOT_THERE}
        yield CLIENT, self.dot + 3, {TAKEN}
        for number in range(self.go_ahead + 1, self.answer_end):
            yield SERVER, number, {TAKEN}
        yield SERVER, self.answer_end, {ONCE}

    def cuts_in_content(self):
        """Noticed while the content is written or before the dot, and tried again; or in the moment after it, which
        nobody can tell from a lost answer."""
        for number in (self.content + 1, (self.content + self.dot) // 2, self.dot - 1, self.dot):
            yield CLIENT, number
        yield SERVER, self.go_ahead


def line_ends(data):
    return [at + 2 for at in range(len(data) - 1) if data[at:at + 2] == b"\r\n"]


@on_both_stores
class CutRelay:
    def setUp(self):
        super().setUp()
        self.sink = self.enterContext(SmtpSink())
        self.proxy = self.enterContext(CuttingProxy("127.0.0.1", self.sink.port))
        server = self.start_server(**plain_relay(self.proxy.port), smtp__messages_per_connection_max=1)
        server.expect_errors("dispatcher.provider_unavailable", "relay.unavailable")
        self.account = self.open_account(server)
        self.account.create_agent(AGENT)
        self.account.hold_everything(AGENT)

    def send(self):
        message_id = self.account.send(AGENT, draft("Always the same", RECIPIENT))["message_id"]
        self.account.approve(message_id)
        return message_id

    def outcome_of(self, message_id):
        message = self.wait_for_delivery_status(self.account, message_id, "sent", "unknown", "failed")
        return message["delivery_status"], self.sink.copies_of(message_id)[RECIPIENT]

    def learn(self):
        self.assertEqual(self.outcome_of(self.send()), ONCE)
        eventually("the session ends", lambda: self.proxy.transcripts[-1][CLIENT].endswith(b"QUIT\r\n"))
        return Dialogue(self.proxy.transcripts[-1])

    def send_into_a_cut(self, sender, number):
        cuts = self.proxy.cuts
        self.proxy.judge = CutAfterBytes(sender, number)
        message_id = self.send()
        eventually("the connection is cut", lambda: self.proxy.cuts == cuts + 1)
        return message_id

    def test_cut_at_every_step_and_byte_by_byte_around_the_final_dot_a_mail_goes_out_once_or_is_unknown(self):
        seen = {}
        for sender, number, expected in self.learn().cuts():
            with self.subTest(f"after byte {number} of the {sender}"):
                message_id = self.send_into_a_cut(sender, number)
                outcome = self.outcome_of(message_id)
                self.proxy.judge = None
                self.assertIn(outcome, expected)
                seen[message_id] = outcome
        self.wait_until_settled()
        for message_id, (status, copies) in seen.items():
            self.assertEqual(self.outcome_of(message_id), (status, copies), "it stays as it was")
        attempts = self.store.rows("SELECT attempt FROM submissions WHERE attempt > 1")
        self.assertEqual(attempts, [], "a cut connection costs no attempt")
        counts = {outcome: list(seen.values()).count(outcome) for outcome in (ONCE, NOT_THERE, TAKEN)}
        print(f"{len(seen)} cuts, {counts}", end=" ... ", flush=True)

    def first_attempt_of(self, message_id):
        return self.store.rows("SELECT state FROM submissions WHERE attempt = 1 AND "
                               f"message_id = '{message_id}'")[0][0]

    def test_a_cut_in_the_content_is_tried_again_if_it_is_noticed_before_the_dot(self):
        cut = []
        for sender, number in self.learn().cuts_in_content():
            message_id = self.send_into_a_cut(sender, number)
            self.proxy.judge = None
            eventually("the first attempt has ended", lambda: self.first_attempt_of(message_id) not in OPEN)
            cut.append(message_id)
        outcomes = [self.outcome_of(message_id) for message_id in cut]
        self.wait_until_settled()
        attempts = self.store.rows("SELECT state, coalesce(reply_phase, '') FROM submissions WHERE attempt = 1 AND "
                                   "state NOT IN ('accepted', 'unknown')")
        self.assertLessEqual(set(outcomes), {ONCE, NOT_THERE})
        self.assertEqual([tuple(row) for row in attempts], [("deferred", "body")] * outcomes.count(ONCE))
        print(f"{len(cut)} cuts, {outcomes.count(ONCE)} sent once at the second attempt", end=" ... ", flush=True)


if __name__ == "__main__":
    unittest.main()
