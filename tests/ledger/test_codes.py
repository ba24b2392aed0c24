"""The codes that SQL decides are those that Python knows."""

import re
from pathlib import Path

from ledger.errors import REFUSAL_OF_DENIAL, REFUSAL_OF_FAILURE
from ledger.kinds import Denial, FailureCode

SQL = Path(__file__).resolve().parents[2] / "ledger" / "sql"


def test_each_denial_is_one_of_the_rules_and_has_a_refusal() -> None:
    decided = re.findall(r"THEN '([a-z_]+)'", (SQL / "charge_rules.sql").read_text())
    decided += re.findall(r"failures\[i\] := '([a-z_]+)'", (SQL / "post.sql").read_text())

    assert sorted(decided) == sorted(Denial)
    assert set(REFUSAL_OF_DENIAL) == set(Denial)


def test_each_failure_is_on_record_and_has_a_refusal() -> None:
    post = (SQL / "post.sql").read_text()
    [on_record] = re.findall(r"on_record CONSTANT varchar\[\] := '{([a-z_,]+)}'", post)

    assert sorted(on_record.split(",")) == sorted(FailureCode)
    assert sorted(re.findall(r"THEN '([a-z_]+)'", post)) == sorted(FailureCode)
    assert set(REFUSAL_OF_FAILURE) == set(FailureCode)
