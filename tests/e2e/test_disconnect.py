"""A reviewer who goes away in the middle of an approval: it is approved as a whole, or not at all."""

import unittest

from support.client import draft, everything_was_read, path_of, reset
from support.scenario import AGENT, on_both_stores
from support.waiting import eventually

EDITED = "As edited by the one who left"
WRITTEN = "As written"


@on_both_stores
class Disconnect:
    def setUp(self):
        super().setUp()
        self.server = self.start_server()
        self.account = self.open_account(self.server)
        self.account.create_agent(AGENT)
        self.account.hold_everything(AGENT)

    def hold_one(self):
        """A held message, and the bytes of a request that approves it with an edited subject."""
        message_id = self.account.send(AGENT, draft(WRITTEN))["message_id"]
        approve = path_of("reviews", message_id, "approve")
        return message_id, self.account.client.raw("POST", approve, {"subject": EDITED})

    def leave(self, data, hang_up):
        connection = self.account.client.open_socket()
        connection.sendall(data)
        hang_up(connection)

    def assert_sent_once(self, message_id, subject):
        self.wait_for_delivery_status(self.account, message_id, "sent")
        mails = [mail for mail in self.server.maildir.mails() if mail.message_id == message_id]
        self.assertEqual([mail.subject for mail in mails], [subject])
        self.assertEqual(self.account.review(message_id)["subject"], subject)

    def test_before_the_request_was_complete_nothing_has_happened(self):
        for hang_up in (lambda connection: connection.close(), reset):
            for cut in (lambda head, end: 1, lambda head, end: head // 2, lambda head, end: head,
                        lambda head, end: (head + end) // 2, lambda head, end: end - 1):
                message_id, approval = self.hold_one()
                head_end = approval.index(b"\r\n\r\n") + 4
                self.leave(approval[:cut(head_end, len(approval))], hang_up)
                # A later approval finds the draft as it was written.
                self.assertEqual(self.account.approve(message_id)["edited"], False)
                self.assert_sent_once(message_id, WRITTEN)

    def test_after_the_request_was_complete_it_is_approved_or_untouched(self):
        whole = {"close": 0, "reset": 0}
        for hang_up, name in ((lambda connection: connection.close(), "close"), (reset, "reset")):
            for _ in range(8):
                message_id, approval = self.hold_one()
                self.leave(approval, hang_up)
                second = self.account.client.request("POST", path_of("reviews", message_id, "approve"), {})
                if second.status == 202:
                    self.assert_sent_once(message_id, WRITTEN)
                else:
                    self.assertEqual((second.status, second.code), (409, "message_not_pending"))
                    self.assert_sent_once(message_id, EDITED)
                    whole[name] += 1
        print(f"approved after hanging up: {whole}", end=" ... ", flush=True)

    def test_an_approval_that_was_read_goes_on_without_its_client(self):
        message_id, approval = self.hold_one()
        with self.store.writes_blocked():
            connection = self.account.client.open_socket()
            connection.sendall(approval)
            # Its write waits; meanwhile the reviewer closes the browser.
            eventually("the approval is read", lambda: everything_was_read(connection))
            reset(connection)
        self.assert_sent_once(message_id, EDITED)


if __name__ == "__main__":
    unittest.main()
