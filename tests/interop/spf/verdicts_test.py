"""Every case of cases.txt is judged by Countersign, Mail::SPF and pyspf in the same zone; the table is verdicts.md.

    verdicts_test.py SPF_JUDGE      (COUNTERSIGN_UPDATE_GOLDEN=1 writes the table anew)
"""

import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import verdicts  # noqa: E402  pylint: disable=wrong-import-position

CASES = HERE / "cases.txt"
verdicts.compare(
    HERE, "Questions about SPF and what is answered", verdicts.run(sys.argv[1], CASES),
    {"Mail::SPF": verdicts.run("perl", HERE / "judge_mail_spf.pl", CASES),
     "pyspf": verdicts.run("/usr/bin/python3", HERE / "judge_pyspf.py", CASES)}, cases_min=200)
