"""The codes that SQL decides are those that Python knows."""

import re
from pathlib import Path

from ledger.errors import REFUSAL_OF_DENIAL, REFUSAL_OF_FAILURE
from ledger.kinds import Denial, FailureCode
from ledger.models import HoldStatus

SQL = Path(__file__).resolve().parents[2] / "ledger" / "sql"


def test_each_denial_is_one_of_the_rules_and_has_a_refusal() -> None:
    decided = {
        code
        for name in ("charge_rules.sql", "hold_rules.sql", "post.sql")
        for code in _decided_in(name)
    }

    assert decided - set(FailureCode) == set(Denial)
    assert set(REFUSAL_OF_DENIAL) == set(Denial)


def test_each_failure_is_on_record_and_has_a_refusal() -> None:
    post = (SQL / "post.sql").read_text()
    [on_record] = re.findall(r"on_record CONSTANT varchar\[\] := '{([a-z_,]+)}'", post)

    assert sorted(on_record.split(",")) == sorted(FailureCode)
    assert set(FailureCode) <= set(_decided_in("post.sql"))
    assert set(REFUSAL_OF_FAILURE) == set(FailureCode)


def _decided_in(name: str) -> list[str]:
    """Return the codes that a file gives to refused orders."""
    decided = re.findall(
        r"(?:THEN|failure :=|failures\[i\] :=) '([a-z_]+)'", (SQL / name).read_text()
    )
    # Not a code of what was refused, but of what was refused with it; and how a hold ends.
    return [code for code in decided if code not in ("not_carried_out", *HoldStatus)]
