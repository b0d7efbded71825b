"""The real Postfix of tests/support, as a relay for servers under test."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "support"))

from postfix_relay import PostfixRelay  # noqa: E402

__all__ = ["PostfixRelay", "relay_settings"]


def relay_settings(relay):
    """Settings for Scenario.add_server: STARTTLS with verification, and AUTH."""
    info = relay.info
    return {"smtp__host": info["host"], "smtp__port": info["port"], "smtp__tls": "starttls",
            "smtp__ca_file": info["ca_file"], "smtp__username": info["username"],
            "smtp__password": info["password"]}
