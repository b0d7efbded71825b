"""What torture calls a duplicate, a loss, a split state, and an unknown where none may be."""

import collections
import pathlib
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/torture"), str(ROOT / "tests/e2e"), str(ROOT / "tests/support")]

from boundaries import boundaries  # noqa: E402
from lane import SIGKILL, Lane, Outcome, Row  # noqa: E402
from peers import Peer  # noqa: E402

READER = "someone0@example.org"


class Told(Peer):
    def __init__(self, copies):
        self.copies = collections.Counter({READER: copies} if copies else {})

    def copies_of(self, lane, message_id):
        return self.copies


class Api:
    def __init__(self, status, review="sent"):
        self.answer = {"delivery_status": status, "review_status": review}

    def review(self, message_id):
        return self.answer


class Judge(unittest.TestCase):
    def judge(self, status, copies, *, point="dispatcher.claimed", review="sent", transport="smtp"):
        lane = Lane("sqlite", transport, None)
        lane.account = Api(status, review)
        lane.peer = Told(copies)
        boundary = next(each for each in boundaries() if each.name == point)
        outcome = Outcome(struck=True)
        lane._judge(Row("sqlite", transport, boundary, SIGKILL), ["msg_1"], outcome)
        return outcome

    def test_sent_and_there_once_is_well(self):
        self.assertFalse(self.judge("sent", 1).is_bad)

    def test_two_copies_are_a_duplicate_whatever_is_told(self):
        for status in ("sent", "unknown", "failed"):
            self.assertEqual(self.judge(status, 2).duplicates, 1, status)

    def test_sent_and_not_there_is_a_loss(self):
        self.assertEqual(self.judge("sent", 0).losses, 1)

    def test_failed_or_not_decided_is_a_split_state(self):
        self.assertEqual(self.judge("failed", 1).split, 1)
        self.assertEqual(self.judge("sent", 1, review="pending_review").split, 1)

    def test_unknown_is_for_the_window_only(self):
        inside = self.judge("unknown", 0, point="dispatcher.fenced")
        self.assertEqual((inside.unknown, inside.is_bad), (1, False))
        for point in ("dispatcher.claimed", "outbox.fence", "outbox.fence>store.commit", "dispatcher.recorded"):
            self.assertTrue(self.judge("unknown", 1, point=point).is_bad, point)

    def test_a_transport_that_knows_repeats_has_no_unknown(self):
        self.assertTrue(self.judge("unknown", 1, point="dispatcher.fenced", transport="maildir").is_bad)


if __name__ == "__main__":
    unittest.main()
