"""The types of events: those of the contract, and the table of docs/events.md that says what each tells of."""

import json
import pathlib
import re
from dataclasses import dataclass, field

ROOT = pathlib.Path(__file__).resolve().parents[3]
_ROW = re.compile(r"^\| (?:`([a-z]+\.[a-z_]+)`)? ?\| ([^|]+) \|([^|]*)\|$", re.MULTILINE)


def contract_types():
    """What a webhook can subscribe to."""
    document = json.loads((ROOT / "api/openapi.json").read_text(encoding="utf-8"))
    return set(document["components"]["schemas"]["CreateWebhookRequest"]["properties"]["events"]["items"]["enum"])


@dataclass
class Documented:
    type: str
    causes: list = field(default_factory=list)
    tests: list = field(default_factory=list)  # "Suite.Name", "test_file.test_name"

    @property
    def occurs(self):
        return not any(cause.startswith("nothing yet") for cause in self.causes)


def documented():
    """A row without a type is another cause of the type above it."""
    text = (ROOT / "docs/events.md").read_text(encoding="utf-8").partition("| type | cause | shown by |")[2]
    types = []
    for name, cause, tests in _ROW.findall(text.partition("\n\n")[0]):
        if name:
            types.append(Documented(name))
        types[-1].causes.append(cause)
        types[-1].tests += re.findall(r"`([^`]+)`", tests)
    return types
