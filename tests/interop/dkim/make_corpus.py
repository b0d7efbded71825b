#!/usr/bin/env python3
"""Makes corpus/ and corpus.zone: signed mail of every kind that DKIM and ARC verifiers have to tell apart.

Run by hand when a case is added; what it wrote is checked in, and with the keys in keys/ (made for this, good for
nothing else) it writes the same again. Needs openssl. It signs by RFC 6376 alone, with no code of the project, so
that it is a reading of the RFC of its own.
"""

import base64
import hashlib
import pathlib
import re
import subprocess
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
T = 1700000000  # 2023-11-14, when all of it was signed
FAR = 4102444800  # 2100-01-01

FROM = "From: Ada <ada@example.com>"
BASE = [FROM, "To: Grace <grace@example.net>", "Subject: The analytical engine", "Date: Tue, 14 Nov 2023 22:13:20 +0000",
        "Message-ID: <1@example.com>", "MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8"]
BODY = "Hello Grace,\r\n\r\nit  works. \t\r\n\r\n-- \r\nAda\r\n\r\n\r\n"
NAMES = "from:to:subject:date:message-id"


def openssl(*args, data=None):
    return subprocess.run(["openssl", *args], input=data, check=True, capture_output=True).stdout


def key_path(key):
    return str(HERE / "keys" / f"{key}.pem")


def public(key):
    """p= of a key: SubjectPublicKeyInfo, or the bare 32 octets."""
    der = openssl("pkey", "-in", key_path(key), "-pubout", "-outform", "DER")
    return base64.b64encode(der[-32:] if key.startswith("ed") else der).decode()


def raw_sign(key, digest, hash_name="sha256"):
    with tempfile.NamedTemporaryFile() as file:
        file.write(digest)
        file.flush()
        if key.startswith("ed"):
            return openssl("pkeyutl", "-sign", "-rawin", "-inkey", key_path(key), "-in", file.name)
        return openssl("pkeyutl", "-sign", "-inkey", key_path(key), "-pkeyopt", f"digest:{hash_name}", "-in", file.name)


def canonical_field(field, form):
    if form == "simple":
        return field
    name, value = field.split(":", 1)
    value = re.sub(r"[ \t]+", " ", value.replace("\r\n", "")).strip(" \t")
    return f"{name.rstrip().lower()}:{value}"


def canonical_body(body, form):
    if form == "simple":
        return re.sub(r"(\r\n)*\Z", "\r\n", body, count=1)
    lines = [re.sub(r"[ \t]+", " ", line).rstrip(" ") for line in body.split("\r\n")]
    text = "\r\n".join(lines).rstrip("\r\n")
    return text + "\r\n" if text else ""


def octets(text):
    return text.encode("utf-8", "surrogateescape")


def choose(fields, names):
    """The fields that h= names, from the bottom up (RFC 6376 §5.4.2)."""
    left, chosen = list(fields), []
    for name in re.sub(r"\s", "", names.lower()).split(":"):
        for i in range(len(left) - 1, -1, -1):
            if left[i].split(":", 1)[0].strip().lower() == name:
                chosen.append(left.pop(i))
                break
    return chosen


def fold(b64, width=70):
    return "\r\n ".join(b64[i:i + width] for i in range(0, len(b64), width))


def sign(fields, body, key="rsa2048", a=None, c="relaxed/relaxed", d="example.com", s=None, h=NAMES, extra="",
         length=None, t=T, field_name="DKIM-Signature", v="v=1; ", bh=None, hash_name="sha256"):
    header_form, _, body_form = (c or "simple/simple").partition("/")
    body_form = body_form or "simple"
    a = a or ("ed25519-sha256" if key.startswith("ed") else "rsa-sha256")
    text = octets(canonical_body(body, body_form))
    if length is not None:
        text, extra = text[:length], extra + f"l={length}; "
    bh = bh or base64.b64encode(hashlib.new(hash_name, text).digest()).decode()
    field = (f"{field_name}: {v}a={a}; " + (f"c={c}; " if c else "") + f"d={d}; s={s or key};\r\n "
             + (f"t={t}; " if t is not None else "") + extra + f"h={h};\r\n bh={bh};\r\n b=")
    data = "".join(canonical_field(f, header_form) + "\r\n" for f in choose(fields, h))
    data += canonical_field(field, header_form)
    digest = hashlib.new(hash_name, octets(data)).digest()
    return field + fold(base64.b64encode(raw_sign(key, digest, hash_name)).decode())


def message(fields, body=BODY):
    return "".join(f + "\r\n" for f in fields) + "\r\n" + body


def signed(fields=None, body=BODY, **how):
    fields = BASE if fields is None else fields
    return message([sign(fields, body, **how), *fields], body)


# --- ARC (RFC 8617) ---------------------------------------------------------------------------------------------

def seal(sets, instance, key="rsa2048", d="list.example", cv=None, extra="", t=T):
    """The seal over `sets`, oldest first, each [results, message signature, seal]; the last has no seal yet."""
    cv = cv or ("none" if instance == 1 else "pass")
    field = f"ARC-Seal: i={instance}; a={'ed25519' if key.startswith('ed') else 'rsa'}-sha256; t={t}; cv={cv};{extra}\r\n d={d}; s={key};\r\n b="
    data = "".join(canonical_field(f, "relaxed") + "\r\n" for one in sets for f in one)
    digest = hashlib.sha256(octets(data + canonical_field(field, "relaxed"))).digest()
    return field + fold(base64.b64encode(raw_sign(key, digest)).decode())


def arc_chain(fields, body, hops, h=NAMES, **how):
    """Field list with `hops` sets on top of `fields`. how: seal_<n> keyword arguments for seal n."""
    sets = []
    for n in range(1, hops + 1):
        d = f"hop{n}.list.example"
        results = f"ARC-Authentication-Results: i={n}; {d}; dkim=pass header.d=example.com"
        signature = sign(fields, body, field_name="ARC-Message-Signature", v=f"i={n}; ", d=d, h=h)
        sets.append([results, signature])
        sets[-1].append(seal(sets, n, **{"d": d, **how.get(f"seal_{n}", {})}))
        fields = [sets[-1][2], sets[-1][1], sets[-1][0], *fields]
    return fields


def without(text, part):
    assert part in text, part
    return text.replace(part, "", 1)


def swap(text, old, new):
    assert old in text, old
    return text.replace(old, new, 1)


# --- the zone ---------------------------------------------------------------------------------------------------

def zone():
    keys = ["rsa512", "rsa1024", "rsa2048", "rsa4096", "rsa4112", "ed25519"]
    records = {}

    def add(selector, *texts, domain="example.com"):
        records.setdefault(f"{selector}._domainkey.{domain}", []).extend(texts)

    for key in keys:
        kind = "ed25519" if key.startswith("ed") else "rsa"
        add(key, f"v=DKIM1; k={kind}; p={public(key)}")
    p = public("rsa2048")
    add("bare", f"p={p}")
    add("testing", f"v=DKIM1; t=y; p={p}")
    add("strict", f"v=DKIM1; t=s; p={p}")
    add("revoked", "v=DKIM1; k=rsa; p=")
    add("sha1only", f"v=DKIM1; h=sha1; p={p}")
    add("bothhashes", f"v=DKIM1; h=sha1:sha256; p={p}")
    add("service", f"v=DKIM1; s=tlsrpt; p={p}")
    add("email", f"v=DKIM1; s=email; n=for=20mail; x_new=1; p={p}")
    add("hyphen", f"v=DKIM1; x-new=1; p={p}")
    add("othertype", f"v=DKIM1; k=dsa; p={p}")
    add("version", f"v=DKIM2; p={p}")
    add("late", f"k=rsa; v=DKIM1; p={p}")
    add("garbage", "v=DKIM1; p=bm90IGEga2V5")
    add("nop", "v=DKIM1; k=rsa")
    add("spf", "v=spf1 -all")
    add("twokeys", f"v=DKIM1; k=rsa; p={public('rsa1024')}", f"v=DKIM1; k=rsa; p={p}")
    pkcs1 = openssl("rsa", "-in", key_path("rsa2048"), "-RSAPublicKey_out", "-outform", "DER")
    add("pkcs1", f"v=DKIM1; k=rsa; p={base64.b64encode(pkcs1).decode()}")
    add("folded", f"v=DKIM1; k=rsa; p={p[:100]} {p[100:200]}\t{p[200:]}")
    add("semicolons", f"v=DKIM1;; k=rsa; p={p};")
    for domain in ("list.example", "hop1.list.example", "hop2.list.example", "hop3.list.example"):
        add("rsa2048", f"v=DKIM1; k=rsa; p={p}", domain=domain)
        add("ed25519", f"v=DKIM1; k=ed25519; p={public('ed25519')}", domain=domain)
    lines = []
    for name, texts in sorted(records.items()):
        for text in texts:
            strings = " ".join(f'"{text[i:i + 200]}"' for i in range(0, len(text), 200))
            lines.append(f"{name} TXT {strings}")
    return "; The DNS of the corpus; written by make_corpus.py.\n" + "\n".join(lines) + "\n"


# --- the cases --------------------------------------------------------------------------------------------------

def cases():
    out = {}
    forms = ("simple", "relaxed")
    for key in ("rsa2048", "ed25519"):
        for header in forms:
            for body in forms:
                out[f"form_{key}_{header}_{body}"] = signed(key=key, c=f"{header}/{body}")
    out["form_absent"] = signed(c=None)
    out["form_header_only"] = signed(c="relaxed")
    out["form_unknown"] = signed(extra="c=nowsp; ", c=None)
    for bits in (512, 1024, 4096, 4112):
        out[f"key_rsa{bits}"] = signed(key=f"rsa{bits}")
    out["key_rsa_sha1"] = signed(a="rsa-sha1", hash_name="sha1")
    out["algorithm_unknown"] = signed(a="rsa-sha512")
    out["algorithm_upper_case"] = signed(a="RSA-SHA256")

    for selector in ("bare", "testing", "strict", "revoked", "sha1only", "bothhashes", "service", "email", "hyphen", "othertype",
                     "version", "late", "garbage", "nop", "spf", "twokeys", "pkcs1", "folded", "semicolons", "absent"):
        out[f"record_{selector}"] = signed(s=selector)
    out["record_testing_broken"] = swap(signed(s="testing"), "it  works", "it fails")
    out["record_of_the_other_type"] = signed(key="ed25519", s="rsa2048")

    out["names_oversigned"] = signed(h="from:from:to:to:subject:subject:date")
    out["names_oversigned_second_from"] = swap(signed(h="from:from:to:subject"), FROM, FROM + "\r\nFrom: eve@example.org")
    out["names_not_oversigned_second_from_above"] = swap(signed(), FROM, "From: eve@example.org\r\n" + FROM)
    out["names_not_oversigned_second_from_below"] = swap(signed(), FROM, FROM + "\r\nFrom: eve@example.org")
    received = [*BASE[:1], "Received: from a by b; one", "Received: from c by d; two", *BASE[1:]]
    twice = signed(received, h="from:received:received:subject")
    out["names_repeated"] = twice
    out["names_repeated_order_changed"] = swap(swap(swap(twice, "; one", "; (one)"), "; two", "; one"), "; (one)", "; two")
    once = signed(received, h="from:received:subject")
    out["names_once_lower_changed"] = swap(once, "two", "2")
    out["names_once_upper_changed"] = swap(once, "one", "1")
    out["names_absent_field"] = signed(h="from:x-absent:subject")
    out["names_absent_field_added"] = swap(signed(h="from:x-absent:subject"), FROM, "X-Absent: here\r\n" + FROM)
    out["names_upper_case_and_blanks"] = signed(h="From : TO :\r\n Subject")
    out["names_without_from"] = signed(h="to:subject:date")
    out["names_empty_item"] = signed(h="from::subject")
    inner = sign(BASE, BODY, d="list.example")
    out["names_another_signature"] = message([sign([inner, *BASE], BODY, h="from:subject:dkim-signature"), inner, *BASE])

    whole = len(canonical_body(BODY, "relaxed"))
    out["length_whole"] = signed(length=whole)
    out["length_whole_footer"] = signed(length=whole) + "Buy now!\r\n"
    out["length_part"] = signed(length=10)
    out["length_zero"] = signed(length=0)
    out["length_beyond"] = signed(extra=f"l={whole + 1}; ")
    out["length_no_number"] = signed(extra="l=all; ")

    out["identity_same"] = signed(extra="i=ada@example.com; ")
    out["identity_subdomain"] = signed(extra="i=@mail.example.com; ")
    out["identity_outside"] = signed(extra="i=ada@example.org; ")
    out["identity_suffix_only"] = signed(extra="i=ada@badexample.com; ")
    out["identity_quoted"] = signed(extra="i=a=20da=40home@example.com; ")
    out["identity_strict_subdomain"] = signed(s="strict", extra="i=@mail.example.com; ")
    out["identity_upper_case"] = signed(extra="i=Ada@EXAMPLE.com; ")

    out["time_expired"] = signed(t=T, extra=f"x={T + 3600}; ")
    out["time_not_expired"] = signed(t=T, extra=f"x={FAR}; ")
    out["time_future"] = signed(t=FAR)
    out["time_expires_before_it_begins"] = signed(t=T, extra=f"x={T - 1}; ")
    out["time_absent"] = signed(t=None)
    out["time_no_number"] = signed(t=None, extra="t=now; ")

    out["broken_body"] = swap(signed(), "it  works", "it  fails")
    out["broken_subject"] = swap(signed(), "analytical", "differential")
    out["broken_unsigned_field"] = swap(signed(), "MIME-Version: 1.0", "MIME-Version: 1.0\r\nX-Spam: no")
    out["broken_blanks_simple"] = swap(signed(c="simple/simple"), "it  works", "it works")
    out["broken_blanks_relaxed"] = swap(signed(), "it  works", "it \tworks")
    out["broken_refolded_simple"] = swap(signed(c="simple/simple"), "The analytical", "The\r\n analytical")
    out["broken_refolded_relaxed"] = swap(signed(), "The analytical", "The\r\n analytical")
    out["broken_name_case_relaxed"] = swap(signed(), "Subject:", "SUBJECT :")
    out["broken_empty_lines_added"] = signed(c="simple/simple") + "\r\n\r\n"
    out["broken_hash"] = signed(bh=base64.b64encode(bytes(32)).decode())
    out["broken_hash_short"] = signed(bh="AAAA")
    good = signed()
    out["broken_signature"] = re.sub(r"( b=)(.)", lambda m: m[1] + ("A" if m[2] != "A" else "B"), good, count=1)
    out["broken_signature_cut"] = re.sub(r" b=(.{40}).*?\r\n(?! )", r" b=\1\r\n", good, count=1, flags=re.S)
    out["broken_signature_empty"] = re.sub(r" b=.*?\r\n(?! )", " b=\r\n", good, count=1, flags=re.S)
    out["broken_signature_no_base64"] = re.sub(r" b=.", " b=!", good, count=1)

    out["tags_twice"] = signed(extra="s=rsa1024; ")
    out["tags_unknown"] = signed(extra="zz=what; ")
    out["tags_copied_fields"] = signed(extra="z=Subject:The=20analytical=20engine|From:ada@example.com; ")
    out["tags_version_2"] = signed(v="v=2; ")
    out["tags_no_version"] = signed(v="")
    out["tags_query_dns"] = signed(extra="q=dns/txt; ")
    out["tags_query_other"] = signed(extra="q=http/get; ")
    out["tags_empty_between"] = signed(extra="; ")
    out["tags_no_domain"] = swap(good, "d=example.com; ", "")
    out["tags_domain_with_one_label"] = signed(d="localhost")
    out["tags_blanks_around"] = signed(extra="q = dns/txt ;\t")
    out["tags_semicolon_added_at_the_end"] = re.sub(r"(\r\n b=.*?)(\r\n)(?! )", r"\1;\2", good, count=1, flags=re.S)

    out["body_empty_simple"] = signed(body="", c="simple/simple")
    out["body_empty_relaxed"] = signed(body="")
    out["body_blank_lines_only"] = signed(body="\r\n \r\n\t\r\n")
    out["body_without_final_line_end"] = signed(body="no end")
    out["body_utf8"] = signed([*BASE, "Content-Transfer-Encoding: 8bit"], body="Grüße aus Köln — 試験\r\n")
    out["body_latin1"] = signed([*BASE, "Content-Transfer-Encoding: 8bit"], body="Gr\udcfc\udcdfe\r\n")
    out["body_long_line"] = signed(body="x" * 9000 + " \r\n" + "word " * 2000 + "\r\n", c="relaxed/relaxed")
    out["body_100_kilobytes"] = signed(body="".join(f"line {i}  of text\t\r\n" for i in range(5000)))
    out["body_dot_lines"] = signed(body=".\r\n..\r\n. x\r\n")
    out["header_folded"] = signed([*BASE[:2], "Subject: a subject\r\n\tthat goes on\r\n  and on", *BASE[3:]])
    out["header_folded_simple"] = signed([*BASE[:2], "Subject: a subject\r\n\tthat goes on\r\n  and on", *BASE[3:]],
                                         c="simple/simple")
    out["header_utf8"] = signed([*BASE[:2], "Subject: Grüße 試験", *BASE[3:]])
    out["header_empty_subject"] = signed([*BASE[:2], "Subject:", *BASE[3:]])
    out["header_long"] = signed([*BASE[:2], "Subject: " + "\r\n ".join(["word" * 15] * 100), *BASE[3:]])
    out["header_tabs"] = signed([*BASE[:2], "Subject:\tone\ttwo\t \tthree ", *BASE[3:]])

    second = sign(BASE, BODY, key="ed25519")
    out["several_both_algorithms"] = message([second, sign(BASE, BODY), *BASE])
    out["several_one_broken"] = message([sign(BASE, BODY, bh=base64.b64encode(bytes(32)).decode()), sign(BASE, BODY), *BASE])
    out["several_domains"] = message([sign(BASE, BODY, d="list.example"), sign(BASE, BODY), *BASE])
    listed = [sign(BASE, BODY), "List-Id: <list.example>", *BASE]
    footer = BODY + "_______\r\nlist mailing list\r\n"
    out["several_list_with_footer"] = message([sign(listed, footer, d="list.example", h="from:subject:list-id"), *listed],
                                              footer)
    out["several_five"] = message([sign(BASE, BODY, t=T + i) for i in range(5)] + BASE)
    out["unsigned"] = message(BASE)

    # The body of ARC cases is one that lists leave alone.
    for hops in (1, 2, 3):
        out[f"arc_{hops}"] = message(arc_chain(BASE, BODY, hops))
    out["arc_signed_author"] = message(arc_chain([sign(BASE, BODY), *BASE], BODY, 1, h=NAMES + ":dkim-signature"))
    three = out["arc_3"]
    out["arc_body_changed"] = swap(three, "it  works", "it  fails")
    out["arc_inner_results_changed"] = swap(three, "i=1; hop1.list.example; dkim=pass", "i=1; hop1.list.example; dkim=fail")
    out["arc_gap"] = re.sub(r"ARC-Seal: i=2;.*?\r\n(?! )", "", three, count=1, flags=re.S)
    out["arc_twice"] = swap(three, "ARC-Authentication-Results: i=3",
                            "ARC-Authentication-Results: i=2; x\r\nARC-Authentication-Results: i=3")
    out["arc_failed_before"] = message(arc_chain(BASE, BODY, 2, seal_2={"cv": "fail"}))
    out["arc_first_says_pass"] = message(arc_chain(BASE, BODY, 1, seal_1={"cv": "pass"}))
    out["arc_seal_with_h"] = message(arc_chain(BASE, BODY, 1, seal_1={"extra": " h=from;"}))
    out["arc_ed25519_seal"] = message(arc_chain(BASE, BODY, 1, seal_1={"key": "ed25519"}))
    out["arc_list_footer"] = message(arc_chain([sign(BASE, BODY), *BASE], footer, 1), footer)
    out["arc_no_such_key"] = message(arc_chain(BASE, BODY, 1, seal_1={"d": "nokey.example"}))
    return out


def main():
    folder = HERE / "corpus"
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.eml"):
        old.unlink()
    made = cases()
    for name, text in made.items():
        (folder / f"{name}.eml").write_bytes(octets(text))
    (HERE / "corpus.zone").write_text(zone())
    print(f"{len(made)} messages")


if __name__ == "__main__":
    main()
