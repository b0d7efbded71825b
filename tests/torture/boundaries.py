"""Every fault point of the program, and what may be seen of a process that met its end there.

`POINTS` is the list that lint.fault_points compares with src/ and with docs/reliability.md. `boundaries()` are the
rows of the torture table: single points, and the three moments of a commit behind the point that opens the
transaction in question ("outbox.fence>store.commit").
"""

import dataclasses

# Where a point stands. Only a hand-over that stopped between its fence and the record of its answer may be unknown.
ACCEPT = "accept"  # a message is accepted or held
APPROVE = "approve"  # the transaction of the decision, up to its answer
CLAIM = "claim"  # taking it out of the queue
BEFORE = "before the fence"
WINDOW = "between fence and record"
RECORDED = "after the record"
STORE = "commit"  # passed by every transaction
UPKEEP = "upkeep"  # leases and outages
RECEIVE = "receive"  # mail from outside, from its end to the mailbox; tests/e2e/test_receive_crash.py
TELL = "tell"  # events, from their commit to the webhooks; tests/e2e/test_webhooks.py
NOTIFY = "notify"  # mail to reviewers; tests/e2e/test_reviewer_mail.py
LISTEN = "listen"  # events over WebSockets; tests/e2e/test_websocket.py
UNDO = "undo"  # an approval is taken back; tests/e2e/test_console.py
SETTLE = "settling unknown"  # by an event of the provider, or by a person

LOOPBACK, SMTP, MAILDIR, SES, RESEND = "loopback", "smtp", "maildir", "ses", "resend"
KNOWS_REPEATS = (LOOPBACK, MAILDIR, RESEND)  # transports that are in the transaction, or take a repeat for what it is
_OUTSIDE = "outside"  # any transport with a hand-over
_HTTP = "ses, resend"
_KEYED = "maildir, resend"
_RECEIPTS = "outside, on PostgreSQL"  # where answers are kept on the node's own disk first

# name: (stage, who passes it ("" = all), what comes next)
POINTS = {
    "hold.screen": (ACCEPT, "", "a draft, or a message that arrived, is about to be screened"),
    "hold.event": (ACCEPT, "", "a draft is held: its event is written"),
    "notify.queue": (ACCEPT, "", "a hold's notification is about to be queued"),
    "rest.key_claimed": (APPROVE, "", "the Idempotency-Key is claimed, nothing is decided"),
    "approve.resolve": (APPROVE, "", "the hold is taken out of its queue"),
    "loopback.deliver": (APPROVE, LOOPBACK, "local copies are delivered"),
    "mailbox.inbound": (APPROVE, LOOPBACK, "a local copy is written"),
    "mailbox.conversation": (APPROVE, LOOPBACK, "a message is about to join its conversation"),
    "loopback.event": (APPROVE, LOOPBACK, "a local copy is about to be stored"),
    "hold.received_event": (APPROVE, LOOPBACK, "the arrival of a message is announced"),
    "loopback.sent_event": (APPROVE, LOOPBACK, "a message without outside recipients is announced as sent"),
    "outbox.enqueue": (APPROVE, _OUTSIDE, "the hand-over is queued"),
    "approve.event": (APPROVE, "", "the decision is announced"),
    "rest.answer_kept": (APPROVE, "", "the answer is stored under its key"),
    "rest.decided": (APPROVE, "", "the decision is durable, its answer not yet sent"),
    "approve.undo": (UNDO, "", "what an approval queued is withdrawn, and the hold stands, in an open transaction"),
    "console.undone": (UNDO, "", "the approval is taken back, or it was too late; its answer is not yet sent"),
    "outbox.claim": (CLAIM, _OUTSIDE, "the hand-over is claimed in an open transaction"),
    "dispatcher.claimed": (BEFORE, _OUTSIDE, "the claim is durable, nobody was spoken to"),
    "smtp.connect": (BEFORE, SMTP, "a connection is opened"),
    "smtp.connected": (BEFORE, SMTP, "the relay has not said anything"),
    "smtp.starttls": (BEFORE, "smtp with TLS", "the relay is ready for the handshake"),
    "smtp.session_open": (BEFORE, SMTP, "greeted, encrypted and logged in"),
    "smtp.envelope_answered": (BEFORE, SMTP, "MAIL, RCPT and DATA are answered"),
    "smtp.content_sent": (BEFORE, SMTP, "everything but the final dot is sent"),
    "maildir.tmp_written": (BEFORE, MAILDIR, "the file is complete in tmp/"),
    "dispatcher.before_fence": (BEFORE, _OUTSIDE, "the fence is about to be written"),
    "outbox.fence": (BEFORE, _OUTSIDE, "the fence is written in an open transaction"),
    "dispatcher.fenced": (WINDOW, _OUTSIDE, "the fence is durable"),
    "smtp.fence_passed": (WINDOW, SMTP, "the final dot is about to be sent"),
    "smtp.final_dot_sent": (WINDOW, SMTP, "the final dot is sent, its answer not read"),
    "smtp.answer_read": (WINDOW, SMTP, "the answer to the final dot is read"),
    "maildir.fence_passed": (WINDOW, MAILDIR, "the file is about to be moved to new/"),
    "maildir.published": (WINDOW, MAILDIR, "the file is in new/"),
    "http.fence_passed": (WINDOW, _HTTP, "the request is about to be sent"),
    "http.answered": (WINDOW, _HTTP, "the request has its answer, or none"),
    "dispatcher.handed_over": (WINDOW, _OUTSIDE, "the transport has its answer"),
    "outbox.repeat": (WINDOW, _KEYED, "the answer was lost, and the provider will know a repeat"),
    "receipts.keep": (WINDOW, _RECEIPTS, "the answer is about to be kept on disk"),
    "receipts.kept": (WINDOW, _RECEIPTS, "the answer is on disk, the database does not have it"),
    "outbox.record": (WINDOW, _OUTSIDE, "the answer is recorded in an open transaction"),
    "dispatcher.recorded": (RECORDED, _OUTSIDE, "the record is durable"),
    "outbox.rescue": (UPKEEP, "", "leases that ran out are taken up"),
    "outbox.release": (UPKEEP, "", "a claim is given back to the queue"),
    "outbox.trip_relay": (UPKEEP, "", "the relay is left alone for a while"),
    "dispatcher.released": (UPKEEP, "", "the claim is given back"),
    "outbox.feedback": (SETTLE, "", "what the provider tells is applied"),
    "feedback.ses_verified": (SETTLE, "", "a notification is genuine, nothing is applied"),
    "feedback.ses_committed": (SETTLE, "", "what it tells is applied, its sender not yet answered"),
    "feedback.bounce_read": (SETTLE, "", "a bounce is read, nothing is applied"),
    "feedback.bounce_committed": (SETTLE, "", "what it tells is applied, its file not yet put aside"),
    "feedback.bounce_moved": (SETTLE, "", "its file is put aside"),
    "outbox.resolve": (SETTLE, "", "what a person decided is applied"),
    "inbound.arrival": (RECEIVE, "", "a message is about to be kept for a recipient"),
    "inbound.take": (RECEIVE, "", "it is kept for all of them in an open transaction"),
    "inbound.taken": (RECEIVE, "", "it is durable, its sender was not told"),
    "inbound.claim": (RECEIVE, "", "what arrived is claimed in an open transaction"),
    "inbound.claimed": (RECEIVE, "", "the claim is durable"),
    "inbound.read": (RECEIVE, "", "it is authenticated and read"),
    "inbound.report_taken": (RECEIVE, "", "a report to a return path is applied, and still in the spool"),
    "inbound.publish": (RECEIVE, "", "it is out of the spool and about to be stored, in an open transaction"),
    "inbound.published": (RECEIVE, "", "it is in the mailbox"),
    "webhook.fan_out": (TELL, "", "deliveries are made of events in an open transaction"),
    "webhook.claim": (TELL, "", "lanes are claimed in an open transaction"),
    "courier.claimed": (TELL, "", "the claim is durable"),
    "courier.sending": (TELL, "", "a request to a webhook is about to be made"),
    "courier.answered": (TELL, "", "it has its answer, or none"),
    "webhook.record": (TELL, "", "the attempt is recorded in an open transaction"),
    "webhook.release": (TELL, "", "a lane is about to be given back"),
    "notify.claim": (NOTIFY, "", "mails to reviewers are claimed in an open transaction"),
    "notifier.claimed": (NOTIFY, "", "the claim is durable, nobody was spoken to"),
    "notify.begin": (NOTIFY, "", "the attempt is noted in an open transaction"),
    "notifier.sending": (NOTIFY, "", "it is durable, and the mail is about to go over"),
    "notifier.handed_over": (NOTIFY, "", "the transport has its answer"),
    "notify.record": (NOTIFY, "", "the answer is recorded in an open transaction"),
    "notifier.recorded": (NOTIFY, "", "the record is durable"),
    "notify.rescue": (NOTIFY, "", "leases that ran out are taken up"),
    "notify.extend": (NOTIFY, "", "a hold is about to get more time, since nobody was told of it"),
    "ws.claimed": (LISTEN, "", "a connection is its agent's listener, and not yet answered"),
    "ws.push": (LISTEN, "", "an event is about to be pushed"),
    "store.before_commit": (STORE, "", "a transaction has done its work"),
    "store.commit": (STORE, "", "COMMIT is about to be sent"),
    "store.after_commit": (STORE, "", "COMMIT was answered, the caller has not heard of it"),
}

_ALL = (LOOPBACK, SMTP, SES, RESEND, MAILDIR)


@dataclasses.dataclass(frozen=True)
class Boundary:
    fault: str  # as COUNTERSIGN_FAULT has it, without its action
    stage: str
    transports: tuple
    stores: tuple = ("sqlite", "postgres")
    first: str = ""  # another fault that has to strike before this point is passed

    @property
    def name(self):
        return f"{self.fault} behind {self.first}" if self.first else self.fault

    def may_be_unknown(self, transport):
        """Whether what strikes here may leave a message whose fate the deployment cannot know."""
        return self.stage == WINDOW and transport not in KNOWS_REPEATS


def _transports(passed_by):
    if passed_by in (_OUTSIDE, _RECEIPTS):
        return tuple(name for name in _ALL if name != LOOPBACK)
    return tuple(name for name in _ALL if passed_by == "" or name in passed_by.split(", "))


def _commits():
    """Commit moments: (opening point, who passes it, stages of before, at and after the COMMIT)."""
    yield "approve.resolve", "", (APPROVE, APPROVE, APPROVE)
    yield "outbox.claim", _OUTSIDE, (CLAIM, CLAIM, BEFORE)
    yield "outbox.fence", _OUTSIDE, (BEFORE, BEFORE, WINDOW)
    yield "outbox.record", _OUTSIDE, (WINDOW, WINDOW, RECORDED)


# Points that are passed only after something else went wrong: (transports, what has to go wrong first).
_FIRST = {
    "outbox.repeat": ((MAILDIR, RESEND), "dispatcher.fenced=throw"),
    "outbox.rescue": ((SMTP, SES, RESEND, MAILDIR), "dispatcher.claimed=kill"),
    "outbox.release": ((SMTP, SES, RESEND, MAILDIR), "dispatcher.before_fence=throw"),
    "outbox.trip_relay": ((SMTP,), "smtp.content_sent=throw"),
    "dispatcher.released": ((SMTP,), "smtp.content_sent=throw"),
}


def boundaries():
    """The rows of the table, in the order of a message's way."""
    rows = []
    commits = {opening: (passed_by, stages) for opening, passed_by, stages in _commits()}
    for name, (stage, passed_by, _) in POINTS.items():
        aside = stage in (ACCEPT, STORE, UPKEEP, SETTLE, RECEIVE, TELL, NOTIFY, LISTEN, UNDO)
        if aside or name in _FIRST or not _transports(passed_by):
            continue
        stores = ("postgres",) if passed_by == _RECEIPTS else ("sqlite", "postgres")
        rows.append(Boundary(name, stage, _transports(passed_by), stores))
        if name in commits:
            who, stages = commits[name]
            for moment, then in zip(("before_commit", "commit", "after_commit"), stages):
                rows.append(Boundary(f"{name}>store.{moment}", then, _transports(who)))
    for name, (transports, first) in _FIRST.items():
        stage = POINTS[name][0]
        rows.append(Boundary(name, stage, transports, first=first))
        if name.startswith("outbox."):
            rows.append(Boundary(f"{name}>store.commit", stage, transports, first=first))
    return rows
