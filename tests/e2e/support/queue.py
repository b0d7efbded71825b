"""Many approved messages at once."""

import concurrent.futures

from support.client import draft, path_of
from support.scenario import AGENT

_THREADS = 4


def approve_many(account, number, *, to="someone@example.org"):
    """Holds and approves that many messages of AGENT; returns their ids."""

    def one(turn):
        message_id = account.send(AGENT, draft(f"Number {turn}", to))["message_id"]
        answer = account.client.insist("POST", path_of("reviews", message_id, "approve"), {},
                                       key="approve " + message_id)
        if answer.status != 202:
            raise AssertionError(f"approving {message_id}: {answer!r}")
        return message_id

    with concurrent.futures.ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(one, range(number)))
