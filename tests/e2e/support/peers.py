"""The servers of tests/support that stand on the other side: an honest sink, and a proxy that cuts."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "support"))

from cutting_proxy import CLIENT, SERVER, CutAfterBytes, CuttingProxy, PostgresMessages  # noqa: E402
from smtp_sink import SmtpSink  # noqa: E402

__all__ = ["CLIENT", "SERVER", "CutAfterBytes", "CuttingProxy", "PostgresMessages", "SmtpSink", "plain_relay"]


def plain_relay(port):
    """Settings for Scenario.add_server: a relay on this machine, in clear."""
    return {"smtp__host": "127.0.0.1", "smtp__port": port, "smtp__tls": "none"}
