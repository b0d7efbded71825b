"""TCP ports of 127.0.0.1 for servers that must know their port before they start, or come back to it."""

import itertools
import random
import socket

# Below what Linux gives to outgoing connections (ip_local_port_range begins at 32768): a port that nobody
# listens on for a while is not taken by some client.
_FIRST, _LAST = 12_000, 31_999

_reserved = []


def _reserve(port):
    """Whether `port` now belongs to this process: by an abstract Unix socket, whose name is machine-wide, so
    that no other test picks it. It ends with the process. The C++ tests use the same name."""
    mark = socket.socket(socket.AF_UNIX)
    try:
        mark.bind(f"\0countersign-test-port-{port}")
    except OSError:
        mark.close()
        return False
    _reserved.append(mark)
    return True


def free_port():
    """A port that nobody listens on; until this process ends, no other test gets it."""
    for candidate in itertools.islice(iter(lambda: random.randint(_FIRST, _LAST), None), 1000):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", candidate))
            except OSError:
                continue
        if _reserve(candidate):
            return candidate
    raise RuntimeError(f"no free TCP port between {_FIRST} and {_LAST}")
