"""The stand-in for Amazon SNS and SES of tests/support."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "support"))

from sns_stand_in import SnsStandIn, now, ses_event  # noqa: E402

__all__ = ["SnsStandIn", "now", "ses_event"]
