"""The receiver of webhooks of tests/support."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "support"))

from webhook_receiver import BadSignature, ChangingDns, WebhookReceiver, verify  # noqa: E402,F401
