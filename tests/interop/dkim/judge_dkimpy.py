"""What dkimpy says: judge_dkimpy.py ZONE FILE… prints "name<TAB>result,…<TAB>arc result" for each.

For the system's Python, which has python3-dkim."""

import logging
import pathlib
import re
import sys

import dkim

logging.disable(logging.CRITICAL)


def read_zone(path):
    records = {}
    for line in pathlib.Path(path).read_text().splitlines():
        if line.startswith(";"):
            continue
        name, _, rest = line.split(" ", 2)
        records.setdefault(name.lower(), []).append("".join(re.findall(r'"([^"]*)"', rest)).encode())
    return records


def judge(raw, ask):
    count = len(re.findall(rb"^DKIM-Signature:", raw.split(b"\r\n\r\n")[0], re.MULTILINE | re.IGNORECASE))
    results = []
    for i in range(count):
        try:
            results.append("pass" if dkim.DKIM(raw, minkey=1024).verify(i, dnsfunc=ask) else "fail")
        except dkim.DKIMException:
            results.append("invalid")
        except Exception:  # it raises whatever comes up
            results.append("error")
    try:
        status = dkim.ARC(raw, minkey=1024).verify(dnsfunc=ask)[0]
        arc = status.decode() if status else "error"
    except Exception:
        arc = "error"
    return results, arc


def main():
    records = read_zone(sys.argv[1])

    def ask(name, timeout=5):
        name = (name.decode() if isinstance(name, bytes) else name).rstrip(".").lower()
        return records.get(name, [None])[0]

    for file in sys.argv[2:]:
        results, arc = judge(pathlib.Path(file).read_bytes(), ask)
        print(pathlib.Path(file).stem, ",".join(results), arc, sep="\t")


main()
