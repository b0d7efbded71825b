"""Writes the clients' side of the golden SMTP transcripts as seeds for smtp_fuzz.

    smtp_seeds.py TRANSCRIPTS SEEDS

The first byte of a seed chooses dialect and size of the pieces (smtp_fuzz.cpp).
"""

import pathlib
import re
import sys

ESCAPES = {b"r": b"\r", b"n": b"\n", b"t": b"\t", b"0": b"\0"}


def unescaped(text):
    def one(match):
        sign = match.group(1)
        if sign.startswith(b"x"):
            return bytes([int(sign[1:], 16)])
        return ESCAPES.get(sign, sign)

    lines = [line for line in text.split(b"\n") if not line.startswith(b"#")]
    return re.sub(rb"\\(x[0-9a-f]{2}|.)", one, b"".join(lines))


def main(transcripts, seeds):
    seeds.mkdir(parents=True, exist_ok=True)
    for path in sorted(transcripts.glob("*.in")):
        text = path.read_bytes()
        choice = b"\x15" if b"#: lmtp" in text else b"\x14"
        (seeds / path.stem).write_bytes(choice + unescaped(text))


main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
