#!/usr/bin/python3
"""What pyspf says: judge_pyspf.py CASES prints "name<TAB>result" for each case."""

import re
import sys

import spf

COMMON, CASES = [], []


def read_cases(path):
    with open(path, encoding="utf-8") as file:
        for line in file.read().splitlines():
            if not line.strip() or line.startswith(";"):
                continue
            if line.startswith("["):
                question = ["192.0.2.1", "ada@example.com", "mail.example.com"]
                CASES.append({"name": line[1:line.index("]")], "question": question, "zone": list(COMMON)})
            elif line.startswith("?"):
                CASES[-1]["question"] = line.split()[1:]
            else:
                (CASES[-1]["zone"] if CASES else COMMON).append(line)


def strings(text):
    def octet(match):
        return bytes([int(match[1])]) if len(match[1]) == 3 else match[1]
    return [re.sub(rb"\\(\d{3}|.)", octet, one)
            for one in re.findall(rb'"((?:[^"\\]|\\.)*)"', text.encode("latin-1"))]


def value(kind, data):
    if kind == "TXT":
        return strings(data)
    if kind == "MX":
        preference, host = data.split()
        return int(preference), host.rstrip(".")
    return data.rstrip(".")


def lookup_in(zone):
    records = {}
    for line in zone:
        name, kind, data = (line.split(None, 2) + [""])[:3]
        records.setdefault((name.lower(), kind), []).append(data)

    def look_up(name, kind, *_, **__):
        name = name.lower().rstrip(".")
        answer = []
        for _ in range(9):
            if (name, "FAIL") in records:
                raise spf.TempError("DNS fails")
            for data in records.get((name, kind), ()):
                answer.append(((name, kind), value(kind, data)))
            alias = records.get((name, "CNAME"))
            if (name, kind) in records or not alias:
                return answer
            answer.append(((name, "CNAME"), alias[0]))
            name = alias[0].lower()
        raise spf.TempError("aliases go in a ring")
    return look_up


def main():
    read_cases(sys.argv[1])
    for case in CASES:
        client, sender, helo = case["question"]
        spf.DNSLookup = lookup_in(case["zone"])
        try:
            verdict = spf.check2(i=client, s="" if sender == "<>" else sender, h=helo,
                                 receiver="mx.receiver.example", querytime=0)[0]
        except Exception as error:  # pylint: disable=broad-except
            print(f"{case['name']}: {error!r}", file=sys.stderr)
            verdict = "error"
        print(f"{case['name']}\t{verdict}")


main()
