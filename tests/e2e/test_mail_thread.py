"""A conversation between an agent and a person whose mailbox is on a real Postfix, which also carries each mail
to the other side: both see one thread."""

import base64
import email
import email.policy
import unittest

from support.client import draft, path_of
from support.maildir import Maildir
from support.real_sender import SECRET, RealSender, sender_of
from support.relay import PostfixRelay, relay_settings
from support.scenario import on_both_stores
from support.sender import SENDER, mail
from support.waiting import eventually


relay = None  # one for all tests: every message of an agent has an id of its own


def setUpModule():
    global relay
    relay = unittest.enterModuleContext(sender_of(PostfixRelay))


def references_of(message):
    """What the mail says it belongs to: In-Reply-To, and References oldest first."""
    return message["In-Reply-To"], (message["References"] or "").split()


@on_both_stores
class MailThread(RealSender):
    def setUp(self):
        super().setUp()
        self.relay, self.place = relay, relay.forward
        self.start_receiver(**relay_settings(self.relay))
        self.mailbox = Maildir(self.relay.info["maildir"])

    def person_gets(self, sent):
        """The mail in the person's mailbox that REST has called `sent`."""
        [copy] = eventually("the person has the mail", lambda: [
            one for one in self.mailbox.mails() if one.message_id == sent["message_id"]])
        return copy

    def person_answers(self, parent, name):
        """As mail programs do (RFC 5322 section 3.6.4): the answer's Message-ID, and what the agent has of it."""
        thread = [*references_of(parent)[1], parent["Message-ID"]]
        raw = mail(f"Re: A question ({name})", SECRET, message_id=name,
                   headers=[f"In-Reply-To: {parent['Message-ID']}", "References: " + "\r\n ".join(thread)])
        self.hand_in(raw, SECRET)
        return f"<{name}@sender.example>", self.arrived(SECRET, f"Re: A question ({name})")

    def agent_answers(self, message):
        return self.account.ask(202, "POST", path_of("agents", SECRET, "messages", message["id"], "reply"),
                                {"text": "And another thing."}).json

    def test_both_sides_keep_the_thread_over_four_mails(self):
        question = self.account.send(SECRET, draft("A question", to=SENDER))
        first = self.person_gets(question)
        self.assertEqual(references_of(first), (None, []))
        second_id, second = self.person_answers(first, "second")
        third = self.person_gets(self.agent_answers(second))
        self.assertEqual(references_of(third), (second_id, [first["Message-ID"], second_id]))
        self.assertEqual((third["To"], third.subject), (SENDER, "Re: A question (second)"))
        fourth_id, fourth = self.person_answers(third, "fourth")
        kept = email.message_from_bytes(base64.b64decode(fourth["raw_message"]), policy=email.policy.default)
        self.assertEqual(references_of(kept), (third["Message-ID"],
                                               [first["Message-ID"], second_id, third["Message-ID"]]))
        self.assertEqual(kept["Message-ID"], fourth_id)
        conversation = self.account.message(SECRET, question["message_id"])["conversation_id"]
        path = path_of("agents", SECRET, "conversations", conversation)
        thread = self.account.ask(200, "GET", path).json["messages"]
        self.assertEqual([(one["direction"], one["id"]) for one in thread],
                         [("outbound", question["message_id"]), ("inbound", second["id"]),
                          ("outbound", third.message_id), ("inbound", fourth["id"])])

    def test_a_thread_that_the_person_begins_is_one_from_the_first_answer_on(self):
        self.hand_in(mail("By the way", SECRET, message_id="begun"), SECRET)
        begun = self.arrived(SECRET, "By the way")
        answer = self.person_gets(self.agent_answers(begun))
        self.assertEqual(references_of(answer), ("<begun@sender.example>", ["<begun@sender.example>"]))
        self.assertEqual(answer.subject, "Re: By the way")
        _, again = self.person_answers(answer, "again")
        self.assertEqual(begun["conversation_id"], "", "mail that answers nothing has none (contract 11)")
        answered = self.account.message(SECRET, answer.message_id)
        self.assertEqual(again["conversation_id"], answered["conversation_id"])


if __name__ == "__main__":
    unittest.main()
