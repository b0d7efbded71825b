"""Idempotency-Key over real connections: one message per key, whatever happens on the way."""

import threading
import unittest

from support.client import draft, path_of
from support.scenario import AGENT, on_both_stores
from support.waiting import eventually

SEND = path_of("agents", AGENT, "messages")
KEY = "3f8a6f4e-8a7c-4c7e-9b55-2f6f6e3a1d10"


@on_both_stores
class Idempotency:
    def setUp(self):
        super().setUp()
        self.server = self.start_server()
        self.account = self.open_account(self.server)
        self.account.create_agent(AGENT)

    def post(self, body, key=KEY, path=SEND):
        return self.account.client.request("POST", path, body, key=key)

    def together(self, number, body):
        """Answers to that many requests with one key, sent at the same time."""
        answers = []
        barrier = threading.Barrier(number)

        def work():
            barrier.wait()
            answers.append(self.post(body))
        threads = [threading.Thread(target=work) for _ in range(number)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return answers

    def test_the_same_bytes_are_answered_again_even_when_the_mail_was_held(self):
        self.account.hold_everything(AGENT)
        first = self.post(draft("Held"))
        self.assertEqual((first.status, first.json["status"]), (202, "pending_review"))
        again = self.post(draft("Held"))
        self.assertEqual((again.status, again.body), (first.status, first.body))
        self.assertEqual(len(self.account.reviews()), 1)

    def test_other_bytes_or_another_route_are_refused(self):
        self.assertEqual(self.post(draft("One")).status, 202)
        other = self.post(draft("Two"))
        self.assertEqual((other.status, other.code), (422, "idempotency_key_reuse"))
        self.account.create_agent("other@agents.localhost")
        elsewhere = self.post(draft("One"), path=path_of("agents", "other@agents.localhost", "messages"))
        self.assertEqual((elsewhere.status, elsewhere.code), (422, "idempotency_key_reuse"))
        self.assertEqual(self.count("messages"), 1)

    def test_an_error_releases_the_key(self):
        refused = self.post({"to": ["not an address"], "subject": "s", "text": "t"})
        self.assertEqual((refused.status, refused.code), (400, "invalid_recipient"))
        self.assertEqual(self.post(draft("Better")).status, 202)

    def test_concurrent_duplicates_make_one_message(self):
        answers = self.together(12, draft("Once"))
        ids = {answer.json["message_id"] for answer in answers if answer.status == 202}
        self.assertEqual(len(ids), 1)
        for answer in answers:
            if answer.status != 202:
                self.assertEqual((answer.status, answer.code), (409, "idempotency_in_flight"), answer)
        self.assertEqual(self.count("messages"), 1)
        mail = eventually("the mail arrives", self.server.maildir.mails)
        self.assertEqual([mail.message_id for mail in mail], list(ids))

    def test_a_duplicate_of_a_request_in_progress_is_told_so(self):
        answers = []
        with self.store.writes_blocked():
            threads = [threading.Thread(target=lambda: answers.append(self.post(draft("Slow"))))
                       for _ in range(2)]
            for thread in threads:
                thread.start()
            eventually("the duplicate is answered", lambda: answers)
            self.assertEqual((answers[0].status, answers[0].code), (409, "idempotency_in_flight"))
        for thread in threads:
            thread.join()
        self.assertEqual(answers[1].status, 202, answers)
        self.assertEqual(self.post(draft("Slow")).body, answers[1].body)
        self.assertEqual(self.count("messages"), 1)

    def test_a_key_outlives_the_process(self):
        first = self.post(draft("Before"))
        self.server.kill9()
        self.server.restart()
        again = self.post(draft("Before"))
        self.assertEqual((again.status, again.body), (first.status, first.body))
        self.assertEqual(self.count("messages"), 1)

    def test_an_approval_is_answered_again_too(self):
        self.account.hold_everything(AGENT)
        message_id = self.post(draft("Held"))
        approve = path_of("reviews", message_id.json["message_id"], "approve")
        first = self.post({"subject": "Edited"}, key="approve-1", path=approve)
        self.assertEqual(first.status, 202, first)
        again = self.post({"subject": "Edited"}, key="approve-1", path=approve)
        self.assertEqual((again.status, again.body), (first.status, first.body))
        other = self.post({"subject": "Edited"}, key="approve-2", path=approve)
        self.assertEqual((other.status, other.code), (409, "message_not_pending"))

    def test_a_new_key_of_the_account_is_shown_again_by_its_replay(self):
        first = self.post({"name": "ci"}, path="/v1/account/api-keys")
        again = self.post({"name": "ci"}, path="/v1/account/api-keys")
        self.assertEqual((first.status, again.status), (201, 201))
        self.assertEqual(again.json["key"], first.json["key"])


if __name__ == "__main__":
    unittest.main()
