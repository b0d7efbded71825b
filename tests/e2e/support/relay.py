"""The real mail servers of tests/support: relays for servers under test, and senders to them."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "support"))

from exim_relay import EximRelay  # noqa: E402
from mail_relay import Forward  # noqa: E402
from opensmtpd_relay import OpenSmtpdRelay  # noqa: E402
from postfix_relay import PostfixRelay, make_certificates  # noqa: E402

__all__ = ["EximRelay", "Forward", "OpenSmtpdRelay", "PostfixRelay", "make_certificates", "relay_settings"]


def relay_settings(relay):
    """Settings for Scenario.add_server: STARTTLS with verification, and AUTH."""
    info = relay.info
    return {"smtp__host": info["host"], "smtp__port": info["port"], "smtp__tls": "starttls",
            "smtp__ca_file": info["ca_file"], "smtp__username": info["username"],
            "smtp__password": info["password"]}
