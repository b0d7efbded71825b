"""What OpenDKIM says: judge_opendkim.py ZONE FILE… prints "name<TAB>result,…<TAB>" for each.

It judges each signature in the Authentication-Results that it would add."""

import pathlib
import re
import subprocess
import sys
import tempfile

CONFIGURATION = "TestDNSData {dns}\nMode v\nAlwaysAddARHeader yes\nAuthservID test\nMinimumKeyBits 1024\n"


def zone_records(path):
    for line in pathlib.Path(path).read_text().splitlines():
        if not line.startswith(";"):
            name, _, rest = line.split(" ", 2)
            yield name, "".join(re.findall(r'"([^"]*)"', rest))


def main():
    with tempfile.TemporaryDirectory() as folder:
        dns, conf = pathlib.Path(folder, "dns"), pathlib.Path(folder, "conf")
        dns.write_text("".join(f"{name} {text}\n" for name, text in zone_records(sys.argv[1])))
        conf.write_text(CONFIGURATION.format(dns=dns))
        for file in sys.argv[2:]:  # one by one: what it says of a message names no file
            done = subprocess.run(["opendkim", "-x", str(conf), "-v", "-v", "-t", file], capture_output=True, text=True,
                                  check=False, timeout=300)
            results = re.findall(r"^\s*dkim=(\w+)", done.stdout, re.MULTILINE)
            print(pathlib.Path(file).stem, ",".join(results), "", sep="\t")


main()
