"""What the proof would notice about pay tokens, approvals and payment requests."""

import json

import psycopg
import pytest

from prove.actors import APPROVED_ONLY
from prove.books import check_permissions
from prove.operations import Answer, KeyLookup, Log, Operation
from tests.factories import a_client, a_company, a_paytoken, charge

SECRETS = frozenset({"paytoken", "qr"})


def pay_in_each_way() -> None:
    """Charge a wallet by its token, which it allows, and by a pay token; pay a request with it."""
    payer, shop = a_client(holds="100.00"), a_company()
    rule = json.dumps({"charges": "approved", "label": APPROVED_ONLY}).encode()
    payer.api.call("PATCH", f"/wallet/info/{payer.wallet_id}", rule)
    approved = payer.api.post(
        "/wallet/approvals",
        {
            "wallet": str(payer.wallet_id),
            "company": str(shop.user.pk),
            "max_amount": "5.00",
            "max_per_day": "5.00",
        },
    )
    asked = shop.api.post("/payment-requests", {"summary": "Tea", "amount": "2.00"})
    charged = [
        charge(shop, "5.00", wallet=payer.wallet_id),
        charge(shop, "3.00", paytoken=a_paytoken(payer, max_amount="3.00")),
        payer.api.post(
            f"/payment-requests/{asked.json['id']}/pay", {"wallet": str(payer.wallet_id)}
        ),
    ]
    assert [approved.status, asked.status] == [201, 201]
    assert [each.status for each in charged] == [200, 200, 200]
    assert payer.balance_minor == 9_000


def found_after(owner_dsn: str, change: str) -> list[str]:
    """Return the invariants that are violated after a change, which is taken back."""
    with psycopg.connect(owner_dsn) as owner:
        owner.execute("SET LOCAL session_replication_role = replica")
        assert owner.execute(change).rowcount > 0
        found = [violation.invariant for violation in check_permissions(owner)]
        owner.rollback()
    return found


@pytest.mark.usefixtures("books")
@pytest.mark.parametrize(
    ("change", "invariants"),
    [
        ("UPDATE wallets_paytoken SET uses = uses", []),
        ("UPDATE wallets_paytoken SET uses_left = uses", ["pay tokens"]),
        ("UPDATE wallets_paytoken SET max_amount_minor = 299", ["pay tokens"]),
        ("UPDATE wallets_paytoken SET company_id = gen_random_uuid()", ["pay tokens"]),
        ("UPDATE wallets_paytoken SET wallet_id = gen_random_uuid()", ["pay tokens"]),
        ("UPDATE wallets_paytoken SET revoked_at = created_at", ["pay tokens"]),
        ("UPDATE wallets_paytoken SET expires_at = now() - interval '1 day'", ["pay tokens"]),
        (
            "UPDATE commerce_paymentrequest SET status = 'open', paid_at = NULL, paid_minor = NULL,"
            " tip_minor = NULL, payer_wallet_id = NULL, transaction_id = NULL",
            ["payment requests"],
        ),
        (
            "UPDATE commerce_paymentrequest SET transaction_id = gen_random_uuid()",
            ["payment requests"],
        ),
        (
            "UPDATE commerce_paymentrequest SET amount_minor = 199, paid_minor = 199",
            ["payment requests"],
        ),
        (
            "UPDATE ledger_transaction SET paytoken_id = NULL,"
            " payment_request_id = (SELECT id FROM commerce_paymentrequest)"
            " WHERE paytoken_id IS NOT NULL",
            ["pay tokens", "payment requests"],
        ),
        ("UPDATE wallets_approval SET max_per_day_minor = 499", ["approvals"]),
        ("UPDATE wallets_approval SET max_amount_minor = 499", ["approvals"]),
        ("DELETE FROM wallets_approval", ["approvals"]),
    ],
)
def test_what_was_not_allowed_or_not_counted_is_found(
    owner_dsn: str, change: str, invariants: list[str]
) -> None:
    pay_in_each_way()

    assert found_after(owner_dsn, change) == invariants


def test_a_key_lookup_that_tells_a_secret_does_not_agree_with_the_answer() -> None:
    shown = {"id": "1", "uses_left": 1}
    answer = Answer(201, {}, json.dumps({**shown, "paytoken": "pt_1", "qr": "data:"}).encode())

    assert KeyLookup(True, 201, shown).agrees_with(answer, SECRETS)
    assert not KeyLookup(True, 201, {**shown, "paytoken": "pt_1"}).agrees_with(answer, SECRETS)


@pytest.mark.parametrize("status", [403, 404])
def test_a_refusal_that_leaves_its_key_free_is_in_no_lookup_and_is_not_repeated(
    status: int,
) -> None:
    answer = Answer(status, {}, b'{"code": "charge_not_approved"}')
    operation = Operation("1", "charge", "token", "/wallet/charge", {}, answer=answer)

    assert KeyLookup(False, None, None).agrees_with(answer, frozenset())
    assert not KeyLookup(True, status, answer.json).agrees_with(answer, frozenset())
    assert not operation.is_repeatable


@pytest.mark.parametrize(("status", "is_revoked"), [(204, True), (404, True), (503, False)])
def test_only_an_acknowledged_revocation_counts(status: int, is_revoked: bool) -> None:
    log = Log("p")
    answer = Answer(status, {}, b"{}")

    log.settle(Operation("2", "pay token revoked", "t", "/", None, revokes="1", answer=answer))

    assert ("1" in log.revoked) is is_revoked
