"""Every case of cases.txt is judged by Countersign, Mail::DMARC and libopendmarc; the table is verdicts.md.

    verdicts_test.py DMARC_JUDGE      (COUNTERSIGN_UPDATE_GOLDEN=1 writes the table anew)

A verdict is what DMARC says and, when there is one, the policy that applies to what fails.
"""

import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import verdicts  # noqa: E402  pylint: disable=wrong-import-position

CASES = HERE / "cases.txt"
verdicts.compare(
    HERE, "Mail, policies, and what DMARC says", verdicts.run(sys.argv[1], CASES),
    {"Mail::DMARC": verdicts.run("perl", HERE / "judge_mail_dmarc.pl", CASES),
     "libopendmarc": verdicts.run("/usr/bin/python3", HERE / "judge_opendmarc.py", CASES)}, cases_min=100)
