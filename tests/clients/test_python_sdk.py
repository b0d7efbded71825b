"""The published Python client (PyPI `e2a`) with nothing changed but its base URL.

Its models are strict: a member that is missing, null or of another type fails the call, so every call that
returns has checked the whole answer. Needs the package; scripts/clients installs it and runs this.
"""

import asyncio
import base64
import contextlib
import unittest
import uuid
from datetime import datetime, timedelta, timezone

import e2a.v1 as e2a

from exercise import ADA, BOB, Exercise, exercises
from support.waiting import eventually


def gate_that_lets_nothing_out(action):
    return {"inbound": {"gate": {}, "scan": {}},
            "outbound": {"gate": {"policy": "allowlist", "allowlist": [], "action": action}, "scan": {}},
            "holds": {"ttl_seconds": 3600}}


HOLD_EVERYTHING = gate_that_lets_nothing_out("review")
BLOCK_EVERYTHING = gate_that_lets_nothing_out("block")


def mail(subject, to="someone@example.org", **more):
    return {"to": [to], "subject": subject, "text": f"The text of {subject}.", **more}


class PythonSdk(Exercise):
    def setUp(self):
        super().setUp()
        self.server, self.key = self.start_deployment()
        self.client = self.connect(self.key)

    def connect(self, key, **options):
        client = e2a.E2AClient(api_key=key, base_url=self.server.url, max_retries=0, **options)
        self.addCleanup(client.close)
        return client

    @contextlib.contextmanager
    def assert_fails(self, error, status, code):
        """The call fails with exactly this class, and says which request it was."""
        with self.assertRaises(e2a.E2AError) as caught:
            yield caught
        raised = caught.exception
        self.assertEqual((type(raised), raised.status, raised.code), (error, status, code), raised)
        self.assertTrue(raised.request_id)

    def create_agent(self, email=ADA, **members):
        return self.client.agents.create({"email": email, **members})

    def hold_a_mail(self, subject, **more):
        held = self.client.messages.send(ADA, mail(subject, **more))
        self.assertEqual(held.status, "pending_review")
        self.assertGreater(held.approval_expires_at, datetime.now(timezone.utc))
        return held.message_id

    def arrived(self, message_id):
        return eventually("the mail arrives", lambda: next(
            (mail for mail in self.server.maildir.mails() if mail.message_id == message_id), None))

    @exercises("getInfo", "getAccount")
    def test_the_deployment_and_the_account_are_described(self):
        info = self.client.info()
        self.assertEqual((info.version, info.shared_domain, info.slug_registration_enabled),
                         ("1.0.0", "agents.e2a.dev", True))
        account = self.client.account.get()
        self.assertEqual((account.scope, account.user.email), ("account", "owner@example.com"))
        self.assertIsNone(account.agent_email)
        self.create_agent()
        self.assertEqual(self.client.account.get().usage.agents, 1)

    @exercises("createApiKey", "listApiKeys", "deleteApiKey", "getAccount", "getAgent")
    def test_keys_are_created_used_listed_and_revoked(self):
        self.create_agent()
        self.create_agent(BOB)
        keys = self.client.account.api_keys
        later = datetime.now(timezone.utc) + timedelta(days=1)
        key = keys.create({"name": "for ada", "scope": "agent", "agent_email": ADA, "expires_at": later})
        self.assertTrue(key.key.startswith(key.key_prefix))
        agent = self.connect(key.key)
        self.assertEqual((agent.account.get().scope, agent.account.get().agent_email), ("agent", ADA))
        self.assertEqual(agent.agents.get(ADA).email, ADA)
        with self.assert_fails(e2a.E2APermissionError, 403, "forbidden"):
            agent.agents.get(BOB)
        with self.assert_fails(e2a.E2APermissionError, 403, "forbidden"):
            list(agent.reviews.list())
        with self.assert_fails(e2a.E2ANotFoundError, 404, "not_found"):
            agent.agents.get("eve@agents.e2a.dev")
        again = [keys.create({"name": "twice"}, idempotency_key="one-key") for _ in range(2)]
        self.assertEqual((again[0].id, again[0].key), (again[1].id, again[1].key))
        self.assertIn(key.id, [row.id for row in keys.list(limit=1)])
        receipt = keys.delete(key.id)
        self.assertEqual((receipt.deleted, receipt.id), (True, key.id))
        with self.assert_fails(e2a.E2AAuthError, 401, "unauthorized"):
            agent.account.get()
        with self.assert_fails(e2a.E2ANotFoundError, 404, "not_found"):
            keys.delete(key.id)
        with self.assert_fails(e2a.E2AValidationError, 400, "invalid_expires_at"):
            keys.create({"expires_at": datetime(2020, 1, 1, tzinfo=timezone.utc)})

    @exercises("createAgent", "getAgent", "listAgents", "updateAgent", "deleteAgent", "restoreAgent")
    def test_agents_live_go_to_the_trash_and_come_back(self):
        created = self.create_agent(name="Ada <b>&</b> Löve")
        self.assertEqual(self.client.agents.get("ADA@agents.e2a.dev"), created)
        self.assertEqual(self.client.agents.update(ADA, {"name": ""}).name, "")
        others = [f"agent-{n}@agents.e2a.dev" for n in range(4)]
        for email in others:
            self.create_agent(email)
        self.assertEqual([row.email for row in self.client.agents.list(limit=2)], [*reversed(others), ADA])
        receipt = self.client.agents.delete(ADA)
        self.assertEqual((receipt.deleted, receipt.email, receipt.messages_deleted), (True, ADA, 0))
        trashed = self.client.agents.list(deleted=True).to_list(limit=10)
        self.assertEqual([row.email for row in trashed], [ADA])
        self.assertIsNotNone(trashed[0].deleted_at)
        with self.assert_fails(e2a.E2ANotFoundError, 404, "not_found"):
            self.client.agents.delete(ADA)
        with self.assert_fails(e2a.E2AConflictError, 409, "address_in_trash"):
            self.create_agent()
        self.assertIsNone(self.client.agents.restore(ADA).deleted_at)

    @exercises("createAgent", "getAgent", "restoreAgent", "updateAgent", "listMessages")
    def test_refusals_are_raised_as_their_own_class(self):
        self.create_agent()
        agents = self.client.agents
        cases = [
            (e2a.E2AConflictError, 409, "agent_taken", lambda: self.create_agent()),
            (e2a.E2AConflictError, 409, "not_in_trash", lambda: agents.restore(ADA)),
            (e2a.E2AValidationError, 400, "invalid_slug", lambda: self.create_agent("-@agents.e2a.dev")),
            (e2a.E2AValidationError, 400, "domain_not_registered",
             lambda: self.create_agent("a@example.org")),
            (e2a.E2AValidationError, 400, "invalid_request", lambda: agents.update(ADA, {})),
            (e2a.E2AValidationError, 422, "invalid_request",
             lambda: list(self.client.messages.list(ADA, direction="sideways"))),
            (e2a.E2ANotFoundError, 404, "not_found", lambda: agents.get("..%2F..%2Fetc%2Fpasswd")),
            (e2a.E2ANotFoundError, 404, "not_found",
             lambda: self.client.messages.get(ADA, "msg_" + "0" * 32)),
            (e2a.E2AValidationError, 400, "invalid_filter",
             lambda: list(self.client.messages.list(ADA, since="yesterday"))),
            (e2a.E2AValidationError, 400, "invalid_cursor",
             lambda: self.client.messages.list(ADA).page("bogus")),
            (e2a.E2AAuthError, 401, "unauthorized",
             lambda: self.connect("e2a_acct_" + "0" * 64).account.get()),
        ]
        for error, status, code, call in cases:
            with self.subTest(code=code), self.assert_fails(error, status, code):
                call()

    @exercises("getAgentProtection", "putAgentProtection")
    def test_protection_is_read_changed_and_written_back(self):
        self.create_agent()
        agents = self.client.agents
        config = agents.get_protection(ADA)
        self.assertEqual((config.outbound.gate.policy, config.holds.on_expiry), ("open", "reject"))
        self.assertEqual(agents.replace_protection(ADA, config), config)
        config.outbound.gate.policy = "allowlist"
        config.outbound.gate.allowlist = ["friend@example.org"]
        config.holds.ttl_seconds = 60
        self.assertEqual(agents.replace_protection(ADA, config), config)
        self.assertEqual(agents.get_protection(ADA), config)

    @exercises("sendMessage", "listMessages", "getMessage")
    def test_mail_to_itself_is_there_at_once(self):
        self.create_agent()
        sent = self.client.messages.send(ADA, mail("To myself", to=ADA, html="<p>Hello</p>", reply_to=BOB))
        self.assertEqual((sent.status, sent.method, sent.sent_as), ("sent", "loopback", "own_address"))
        inbox = self.client.messages.list(ADA, read_status="unread").to_list(limit=10)
        self.assertEqual([row.subject for row in inbox], ["To myself"])
        read = self.client.messages.get(ADA, inbox[0].id)
        self.assertEqual((read.read_status, read.header_from, read.delivered_to), ("read", ADA, ADA))
        self.assertIn("The text of To myself.", read.parsed.text)
        self.assertIn(b"Subject: To myself", base64.b64decode(read.raw_message))
        from_bob = self.client.messages.list(ADA, from_=BOB, read_status="all")
        self.assertEqual([row.id for row in from_bob], [read.id])

    @exercises("sendMessage", "getMessage")
    def test_mail_for_the_world_is_accepted_and_arrives(self):
        self.create_agent(name="Ada")
        attachment = {"filename": "Ünïcode.bin", "content_type": "application/octet-stream",
                      "data": base64.b64encode(bytes(range(256))).decode()}
        body = mail("Hello", cc=["c@example.org"], attachments=[attachment])
        accepted = self.client.messages.send(ADA, body)
        self.assertEqual((accepted.status, accepted.method), ("accepted", "smtp"))
        self.assertIsNone(accepted.provider_message_id)
        self.assertEqual(self.arrived(accepted.message_id).attachments, [("Ünïcode.bin", bytes(range(256)))])
        waited = self.client.messages.send(ADA, mail("Waited for"), wait="sent")
        self.assertEqual(waited.status, "sent")
        view = self.client.messages.get(ADA, waited.message_id)
        self.assertEqual((view.delivery_status, view.review_status, view.attachments), ("sent", "sent", []))

    @exercises("sendMessage")
    def test_a_key_makes_a_send_happen_once(self):
        self.create_agent()
        self.client.agents.replace_protection(ADA, HOLD_EVERYTHING)
        key = str(uuid.uuid4())
        first, second = (self.client.messages.send(ADA, mail("Once"), idempotency_key=key) for _ in range(2))
        self.assertEqual((first.status, first), ("pending_review", second))
        with self.assert_fails(e2a.E2AIdempotencyError, 422, "idempotency_key_reuse"):
            self.client.messages.send(ADA, mail("Twice"), idempotency_key=key)

    @exercises("sendMessage")
    def test_sends_are_refused_as_their_own_class(self):
        self.create_agent()
        large = base64.b64encode(bytes(10 * 1024 * 1024 + 1)).decode()
        cases = [
            (e2a.E2AValidationError, 400, "invalid_recipient", mail("s", to="nobody")),
            (e2a.E2AValidationError, 400, "too_many_recipients",
             {**mail("s"), "to": [f"r{n}@example.org" for n in range(51)]}),
            (e2a.E2AValidationError, 400, "invalid_request", mail("A\r\nBcc: b@example.org")),
            (e2a.E2AValidationError, 400, "invalid_attachment",
             mail("s", attachments=[{"filename": "f", "content_type": "text/plain", "data": "%"}])),
            (e2a.E2AError, 413, "payload_too_large",
             mail("s", attachments=[{"filename": "f", "content_type": "text/plain", "data": large}])),
            (e2a.E2ANotFoundError, 404, "template_not_found",
             {"to": ["a@b.example"], "template_id": "tmpl_none"}),
        ]
        for error, status, code, body in cases:
            with self.subTest(code=code), self.assert_fails(error, status, code):
                self.client.messages.send(ADA, body)
        self.client.agents.replace_protection(ADA, BLOCK_EVERYTHING)
        with self.assert_fails(e2a.E2APermissionError, 403, "blocked_by_policy"):
            self.client.messages.send(ADA, mail("Blocked"))
        self.assertEqual(self.client.messages.list(ADA, direction="all").to_list(limit=1), [])

    @exercises("listMessages")
    def test_lists_are_paged_to_the_end_and_filtered(self):
        self.create_agent()
        for n in range(7):
            self.client.messages.send(ADA, mail(f"Mail {n}", to=ADA, conversation_id=f"conv-{n % 2}"))

        def listed(**filters):
            return [row.subject for row in self.client.messages.list(ADA, **filters)]

        expected = [f"Mail {n}" for n in range(7)]
        self.assertEqual(listed(sort="asc", limit=3), expected)
        self.assertEqual(listed(limit=7), expected[::-1])
        self.assertEqual(len(listed(direction="all", limit=4)), 14)
        self.assertEqual(listed(direction="outbound", subject_contains="mail 3"), ["Mail 3"])
        self.assertEqual(listed(conversation_id="conv-1"), ["Mail 5", "Mail 3", "Mail 1"])
        third = self.client.messages.list(ADA, subject_contains="Mail 3").to_list(limit=1)[0]
        self.assertEqual(listed(since=third.created_at.isoformat(), sort="asc"), expected[3:])
        self.assertEqual(listed(until=third.created_at.isoformat(), sort="asc"), expected[:3])
        first = self.client.messages.list(ADA, limit=5).page()
        rest = self.client.messages.list(ADA, limit=5).page(first.next_cursor)
        self.assertEqual((len(first.items), len(rest.items), rest.next_cursor), (5, 2, None))

    @exercises("updateMessage", "listMessages")
    def test_labels_are_added_removed_and_found(self):
        self.create_agent()
        self.client.messages.send(ADA, mail("Labelled", to=ADA))
        message_id = self.client.messages.list(ADA).to_list(limit=1)[0].id

        def update(**change):
            return self.client.messages.update_labels(ADA, message_id, change).labels

        self.assertEqual(update(add_labels=["urgent", "Follow-Up"]), ["follow-up", "urgent"])
        labelled = self.client.messages.list(ADA, labels=["urgent", "follow-up"])
        self.assertEqual([row.id for row in labelled], [message_id])
        self.assertEqual(update(remove_labels=["urgent"]), ["follow-up"])
        with self.assert_fails(e2a.E2AValidationError, 400, "invalid_request"):
            update(add_labels=["e2a:mine"])

    @exercises("deleteMessage", "restoreMessage", "listMessages")
    def test_messages_go_to_the_trash_come_back_and_are_purged(self):
        self.create_agent()
        message_id = self.client.messages.send(ADA, mail("Trash me", to=ADA)).message_id
        with self.assert_fails(e2a.E2AConflictError, 409, "not_in_trash"):
            self.client.messages.delete(ADA, message_id, permanent=True)
        receipt = self.client.messages.delete(ADA, message_id)
        self.assertEqual((receipt.deleted, receipt.id), (True, message_id))
        self.assertEqual([row.id for row in self.client.messages.list(ADA, deleted=True)], [message_id])
        self.assertIsNone(self.client.messages.restore(ADA, message_id).deleted_at)
        self.client.messages.delete(ADA, message_id)
        self.assertTrue(self.client.messages.delete(ADA, message_id, permanent=True).deleted)
        with self.assert_fails(e2a.E2ANotFoundError, 404, "not_found"):
            self.client.messages.get(ADA, message_id)

    @exercises("getMessageLifecycle")
    def test_the_lifecycle_of_each_kind_of_message_is_of_the_closed_vocabulary(self):
        self.create_agent()
        self.client.messages.send(ADA, mail("Loopback", to=ADA))
        self.client.messages.send(ADA, mail("External"), wait="sent")
        self.client.agents.replace_protection(ADA, HOLD_EVERYTHING)
        approved, rejected = self.hold_a_mail("Approved"), self.hold_a_mail("Rejected")
        self.client.reviews.approve(approved)
        self.client.reviews.reject(rejected)
        self.wait_until_settled()
        seen = set()
        for row in self.client.messages.list(ADA, direction="all", read_status="all"):
            page = self.client.messages.get_lifecycle(ADA, row.id, limit=1)
            reasons = [page.items[0].reason_code]
            while page.next_cursor:
                page = self.client.messages.get_lifecycle(ADA, row.id, cursor=page.next_cursor, limit=1)
                reasons += [item.reason_code for item in page.items]
            seen.add((row.subject, row.direction, *reasons))
        accepted, held = "acceptance.outbound_api", "review.hold_created"
        handed_over = ("queue.outbound_submission", "submission.upstream_accepted")
        self.assertEqual(seen, {
            ("Loopback", "outbound", accepted, "submission.local_loopback_accepted"),
            ("Loopback", "inbound", "acceptance.local_loopback"),
            ("External", "outbound", accepted, *handed_over),
            ("Approved", "outbound", accepted, held, "review.approved", *handed_over),
            ("Rejected", "outbound", accepted, held, "review.rejected")})

    @exercises("listReviews", "getReview", "approveReview", "rejectReview")
    def test_reviews_are_listed_read_and_decided(self):
        self.create_agent()
        self.client.agents.replace_protection(ADA, HOLD_EVERYTHING)
        attachment = {"filename": "a.txt", "content_type": "text/plain",
                      "data": base64.b64encode(b"kept").decode()}
        held = [self.hold_a_mail("First", attachments=[attachment]), self.hold_a_mail("Second"),
                self.hold_a_mail("Third", to=ADA)]
        self.assertEqual([row.id for row in self.client.reviews.list(limit=2)], held[::-1])
        row = self.client.reviews.list().to_list(limit=10)[-1]
        self.assertEqual((row.agent_email, row.direction), (ADA, "outbound"))
        self.assertEqual(row.review_status, "pending_review")
        view = self.client.reviews.get(held[0])
        self.assertEqual(view.body.text, "The text of First.")
        self.assertEqual((view.raw_message, view.attachments), (None, []))
        self.assertTrue(view.hold_reason.code)
        with self.assert_fails(e2a.E2AConflictError, 409, "message_held"):
            self.client.messages.delete(ADA, held[0])
        with self.assert_fails(e2a.E2AValidationError, 400, "invalid_request"):
            self.client.reviews.approve(held[0], {"subject": "A\r\nBcc: b@example.org"})

        key = str(uuid.uuid4())
        edits = {"subject": "Edited", "text": "As the reviewer wants it."}
        first, second = (self.client.reviews.approve(held[0], edits, idempotency_key=key) for _ in range(2))
        self.assertEqual((first.status, first.edited, first.method), ("accepted", True, "smtp"))
        self.assertEqual(second, first)
        arrived = self.arrived(held[0])
        self.assertEqual((arrived.subject, arrived.text.strip(), arrived.attachments),
                         ("Edited", "As the reviewer wants it.", [("a.txt", b"kept")]))
        rejected = self.client.reviews.reject(held[1], {"reason": "Not now"})
        self.assertEqual((rejected.status, rejected.rejection_reason), ("review_rejected", "Not now"))
        looped = self.client.reviews.approve(held[2])
        self.assertEqual((looped.status, looped.method, looped.edited), ("sent", "loopback", False))
        for message_id in held:
            with self.assert_fails(e2a.E2AConflictError, 409, "message_not_pending"):
                self.client.reviews.approve(message_id)
        self.assertEqual(self.client.reviews.get(held[0]).review_status, "sent")
        self.assertEqual(self.client.messages.get(ADA, held[1]).review_status, "review_rejected")
        self.assertEqual(list(self.client.reviews.list()), [])

    @exercises("getAccount", "createAgent", "sendMessage", "listMessages", "listReviews", "approveReview")
    def test_the_asynchronous_client_does_the_same(self):
        async def exercise():
            options = {"api_key": self.key, "base_url": self.server.url, "max_retries": 0}
            async with e2a.AsyncE2AClient(**options) as client:
                self.assertEqual((await client.account.get()).scope, "account")
                await client.agents.create({"email": ADA})
                sends = [client.messages.send(ADA, mail(f"Mail {n}", to=ADA)) for n in range(10)]
                self.assertEqual({sent.status for sent in await asyncio.gather(*sends)}, {"sent"})
                self.assertEqual(len([row async for row in client.messages.list(ADA, limit=3)]), 10)
                await client.agents.replace_protection(ADA, HOLD_EVERYTHING)
                await client.messages.send(ADA, mail("Held"))
                held = await client.reviews.list().to_list(limit=10)
                self.assertEqual((await client.reviews.approve(held[0].id, {})).status, "accepted")
        asyncio.run(exercise())
        self.wait_until_settled()

    def test_the_listener_hears_of_mail_over_a_restart_and_knows_that_it_was_replaced(self):
        self.create_agent()
        self.client.messages.send(ADA, mail("Before", ADA))
        options = {"api_key": self.key, "base_url": self.server.url}

        async def exercise():
            async with e2a.AsyncE2AClient(**options) as client:
                stream = client.listen(ADA)
                events = stream.__aiter__()
                first = await asyncio.wait_for(events.__anext__(), 60)
                self.assertEqual((first.type, first.data["subject"]), ("email.received", "Before"))
                await asyncio.to_thread(self.client.messages.get, ADA, first.data["message_id"])  # reads it
                await asyncio.to_thread(self.client.messages.send, ADA, mail("Live", ADA))
                live = await asyncio.wait_for(events.__anext__(), 60)
                self.assertEqual(live.data["subject"], "Live")
                await asyncio.to_thread(self.server.stop)
                self.server.restart()  # here: it lives as long as the thread that started it
                again = await asyncio.wait_for(events.__anext__(), 60)
                self.assertEqual((again.id, again.data), (live.id, live.data), "still unread")
                newer = client.listen(ADA).__aiter__()
                await asyncio.wait_for(newer.__anext__(), 60)
                with self.assertRaises(e2a.E2AConnectionReplacedError):
                    await asyncio.wait_for(events.__anext__(), 60)
        asyncio.run(exercise())


class PythonSdkLimits(Exercise):
    @exercises("createAgent", "listMessages", "sendMessage")
    def test_rate_limits_and_quotas_are_told_apart(self):
        server, key = self.start_deployment(rate_limits__send_per_minute=1, rate_limits__poll_per_minute=1,
                                            limits__agents_max=1)
        with e2a.E2AClient(api_key=key, base_url=server.url, max_retries=0) as client:
            client.agents.create({"email": ADA})
            with self.assertRaises(e2a.E2ALimitExceededError) as caught:
                client.agents.create({"email": BOB})
            self.assertEqual((caught.exception.status, caught.exception.details["resource"]), (402, "agents"))
            client.messages.send(ADA, mail("First", to=ADA))
            client.messages.list(ADA).page()
            for call in (lambda: client.messages.send(ADA, mail("Second", to=ADA)),
                         lambda: client.messages.list(ADA).page()):
                with self.assertRaises(e2a.E2ARateLimitError) as caught:
                    call()
                self.assertTrue(caught.exception.retryable)
                self.assertGreaterEqual(caught.exception.retry_after_seconds, 1)



del Exercise  # a frame, no test of its own

if __name__ == "__main__":
    unittest.main()
