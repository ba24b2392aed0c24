"""What the proof would notice about holds and groups."""

import psycopg
import pytest

from prove.books import check
from tests.factories import a_client, a_company, an_operator, api_of


def hold_capture_and_release(fee: str) -> None:
    """Hold twice, take a part of one with a fee, and release its rest; the other one stays."""
    payer, shop = a_client(holds="100.00"), a_company()
    operator = api_of(an_operator())
    answered = operator.call("PUT", f"/company/{shop.user.pk}/fee", fee.encode())
    body = {"wallet": str(payer.wallet_id), "amount": "20.00", "summary": "Room"}
    taken, left = (shop.api.post("/holds", body) for _ in range(2))
    captured = shop.api.post(f"/holds/{taken.json['hold']}/capture", {"amount": "15.00"})
    refunded = shop.api.post(
        "/wallet/refund",
        {"transaction": captured.json["transaction"], "amount": "5.00", "fee": "return"},
    )
    statuses = [each.status for each in (answered, taken, left, captured, refunded)]
    assert statuses == [200, 201, 201, 200, 200]


def found_after(owner_dsn: str, change: str) -> set[str]:
    """Return the invariants that are violated after a change, which is taken back."""
    with psycopg.connect(owner_dsn) as owner:
        owner.execute("SET LOCAL session_replication_role = replica")
        assert owner.execute(change).rowcount > 0
        found = {violation.invariant for violation in check(owner)}
        owner.rollback()
    return found


@pytest.mark.usefixtures("books")
@pytest.mark.parametrize(
    ("change", "invariant"),
    [
        ("UPDATE ledger_hold SET summary = summary", None),
        (
            "UPDATE ledger_hold SET captured_minor = 1, released_minor = 1999"
            " WHERE status = 'captured'",
            "holds",
        ),
        ("DELETE FROM ledger_hold WHERE status = 'active'", "holds"),
        ("DELETE FROM ledger_transaction WHERE kind = 'release'", "holds"),
        ("UPDATE wallets_wallet SET held_minor = held_minor + 1 WHERE held_minor > 0", "holds"),
        (
            "UPDATE ledger_transaction SET source_held_minor = source_held_minor + 1"
            " WHERE kind = 'release'",
            "holds",
        ),
        ("DELETE FROM ledger_transaction WHERE kind = 'fee'", "groups"),
        ("UPDATE ledger_transaction SET amount_minor = 1 WHERE kind = 'fee'", "groups"),
        (
            "UPDATE ledger_transaction SET amount_minor = 1000 WHERE kind = 'fee_return'",
            "groups",
        ),
        (
            "UPDATE ledger_transaction SET failure_code = 'insufficient_funds',"
            " source_balance_minor = NULL, target_balance_minor = NULL, source_version = NULL,"
            " target_version = NULL WHERE kind = 'fee'",
            "groups",
        ),
    ],
)
def test_what_is_not_whole_is_found(owner_dsn: str, change: str, invariant: str | None) -> None:
    hold_capture_and_release('{"percent": "10"}')

    found = found_after(owner_dsn, change)

    assert invariant in found if invariant else found == set()
