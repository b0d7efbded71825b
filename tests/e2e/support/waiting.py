"""Waiting for what can be observed: every wait looks again and again, and has a deadline."""

import time

# Generous, because a sanitized build on a busy machine is slow, and such a machine may stand still for minutes;
# reached only when something is wrong.
DEADLINE_SECONDS = 600.0
_PAUSE_SECONDS = 0.02


class TimedOut(AssertionError):
    """What was waited for did not come."""


def eventually(what, look, deadline_seconds=DEADLINE_SECONDS):
    """The first true result of `look()`. `what` names it in the failure: "the mail arrives"."""
    until = time.monotonic() + deadline_seconds
    while True:
        seen = look()
        if seen:
            return seen
        if time.monotonic() >= until:
            raise TimedOut(f"within {deadline_seconds:.0f} s this did not happen: {what} "
                           f"(last seen: {seen!r})")
        time.sleep(_PAUSE_SECONDS)
