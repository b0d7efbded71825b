#!/usr/bin/python3
"""What libopendmarc says: judge_opendmarc.py CASES prints "name<TAB>verdict policy" for each case it can be given.

It takes one From field, and its stand-in for the DNS holds one record of a name and knows no failure, so that other
cases are left out. A record that it cannot read is no record (RFC 7489 §6.6.3).
"""

import ctypes
import os
import re
import sys

LIB = ctypes.CDLL("libopendmarc.so.2")
LIB.opendmarc_policy_connect_init.restype = ctypes.c_void_p
SUFFIXES = b"/usr/share/publicsuffix/public_suffix_list.dat"
POLICIES = {ord("n"): "none", ord("q"): "quarantine", ord("r"): "reject", 0: ""}
SPF = {"pass": 1, "fail": 2, "softfail": 2, "permerror": 2, "temperror": 3}
DKIM = {"pass": 1, "fail": 2, "permerror": 2, "temperror": 3}
OKAY, NO_DOMAIN, FROM_ABSENT = 0, 6, 13
ABSENT, PASS, REJECT, QUARANTINE, NONE = 14, 15, 16, 17, 18
USED_SP = 20


class Settings(ctypes.Structure):
    _fields_ = [("tld_type", ctypes.c_int), ("tld_source_file", ctypes.c_char * 4096), ("rest", ctypes.c_char * 4096)]


def read_cases(path):
    cases = []
    with open(path, encoding="utf-8") as file:
        for line in file.read().splitlines():
            if not line.strip() or line.startswith(";"):
                continue
            words = line.split(None, 2)
            if line.startswith("["):
                cases.append({"name": line[1:line.index("]")], "from": [], "spf": None, "dkim": [], "records": {}})
            elif words[0].endswith(":"):
                if words[0] == "From:":
                    cases[-1]["from"].append(line[5:].strip())
            elif words[0] == "spf":
                cases[-1]["spf"] = words[1:]
            elif words[0] == "dkim":
                cases[-1]["dkim"].append(words[1:])
            else:
                cases[-1]["records"].setdefault(words[0].lower(), []).append((words[1], words[2:]))
    return cases


def text_of(data):
    def octet(match):
        return bytes([int(match[1])]) if len(match[1]) == 3 else match[1]
    strings = re.findall(rb'"((?:[^"\\]|\\.)*)"', data.encode("latin-1"))
    return b"".join(re.sub(rb"\\(\d{3}|.)", octet, one) for one in strings)


def stand_in(records):
    """The records for opendmarc_dns_fake_record, or nothing when it cannot hold them."""
    out = {}
    for name, entries in records.items():
        if len(entries) > 1 or entries[0][0] == "FAIL":
            return None
        kind, data = entries[0]
        if kind == "CNAME":
            return None
        out[name.encode()] = text_of(data[0])
    return out


def verdict_of(case, records):
    for name, text in records.items():
        LIB.opendmarc_dns_fake_record(name, text)
    LIB.opendmarc_dns_fake_record(b"stand-in.invalid", b"on")
    settings = Settings(1, SUFFIXES)
    LIB.opendmarc_policy_library_init(ctypes.byref(settings))
    policy = ctypes.c_void_p(LIB.opendmarc_policy_connect_init(b"192.0.2.1", 4))
    sender = case["from"][0] if case["from"] else ""
    if LIB.opendmarc_policy_store_from_domain(policy, sender.encode()) != OKAY:
        return "permerror"
    result, domain = case["spf"]
    if domain != "-":
        LIB.opendmarc_policy_store_spf(policy, domain.encode(), SPF.get(result, 0), 1, None)
    for result, domain in case["dkim"]:
        LIB.opendmarc_policy_store_dkim(policy, domain.encode(), b"s", DKIM.get(result, 0), None)
    if LIB.opendmarc_policy_query_dmarc(policy, None) != OKAY:
        return "none"
    outcome = LIB.opendmarc_get_policy_to_enforce(policy)
    if outcome == ABSENT:
        return "none"
    value = ctypes.c_int(0)
    LIB.opendmarc_policy_fetch_p(policy, ctypes.byref(value))
    applies = value.value
    if LIB.opendmarc_get_policy_token_used(policy) == USED_SP:
        LIB.opendmarc_policy_fetch_sp(policy, ctypes.byref(value))
        applies = value.value or applies
    return f"{'pass' if outcome == PASS else 'fail'} {POLICIES[applies]}"


def main():
    for case in read_cases(sys.argv[1]):
        records = stand_in(case["records"])
        if len(case["from"]) > 1 or records is None:
            continue
        reader, writer = os.pipe()
        child = os.fork()  # the stand-in has no way to forget
        if child == 0:
            os.write(writer, verdict_of(case, records).encode())
            os._exit(0)
        os.close(writer)
        _, status = os.waitpid(child, 0)
        with os.fdopen(reader) as answer:
            verdict = answer.read()
        print(f"{case['name']}\t{verdict if status == 0 else 'error'}")


main()
