"""Pay tokens: good for one wallet, some uses, some time, perhaps a cap and one company."""

import io
import uuid
from typing import Any
from urllib.parse import unquote

import psycopg
import pytest
import resvg_py
import zxingcpp
from django.db import OperationalError
from PIL import Image
from psycopg import sql
from pytest_django import Settings

from api.by_token import paytokens
from core.models import IdempotencyRecord
from ledger.models import Transaction
from tests.clock import Clock
from tests.factories import (
    Holder,
    a_client,
    a_company,
    a_paytoken,
    charge,
    freeze,
    set_charges,
)
from tests.http_client import Reply
from tests.races import race
from wallets.models import PayToken

pytestmark = pytest.mark.usefixtures("books")


def make(payer: Holder, *, key: str | None = None, **fields: Any) -> Reply:
    return payer.api.post("/paytokens", {"wallet": str(payer.wallet_id), **fields}, key=key)


def nothing_moved(payer: Holder, company: Holder, *, payer_minor: int = 10_000) -> bool:
    return (payer.balance_minor, company.balance_minor) == (payer_minor, 0)


def uses_left() -> list[int]:
    return list(PayToken.objects.order_by("created_at").values_list("uses_left", flat=True))


def scanned(data_uri: str) -> list[str]:
    """Return what a scanner reads from an SVG, drawn and looked at as a picture."""
    kind, _, picture = data_uri.partition(",")
    assert kind == "data:image/svg+xml;charset=utf-8"
    png = bytes(resvg_py.svg_to_bytes(svg_string=unquote(picture)))
    return [code.text for code in zxingcpp.read_barcodes(Image.open(io.BytesIO(png)))]


def tables_that_hold(text: str, owner_dsn: str) -> list[str]:
    """Return the tables with a row that has the text in any column, as it is or as bytes."""
    with psycopg.connect(owner_dsn) as owner, owner.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition"
            " AND relnamespace = 'public'::regnamespace"
        )
        tables = [name for (name,) in cursor.fetchall()]
        patterns = [f"%{text}%", f"%{text.encode().hex()}%"]
        holding = []
        for name in tables:
            cursor.execute(
                sql.SQL("SELECT EXISTS (SELECT FROM {} t WHERE t::text ILIKE ANY (%s))").format(
                    sql.Identifier(name)
                ),
                [patterns],
            )
            if cursor.fetchone() == (True,):
                holding.append(name)
    return holding


def test_it_pays_once_and_gives_nothing_else_away() -> None:
    payer, company = a_client(holds="100.00"), a_company()

    made = make(payer)
    paid = charge(company, "12.50", paytoken=made.json["paytoken"])
    again = charge(company, "12.50", paytoken=made.json["paytoken"])

    assert made.status == 201
    assert made.json["wallet"] == str(payer.wallet_id)
    assert (made.json["uses_left"], made.json["max_amount"], made.json["company"]) == (
        1,
        None,
        None,
    )
    assert scanned(made.json["qr"]) == [made.json["paytoken"]]
    assert (paid.status, paid.json["wallet"]) == (200, str(company.wallet_id))
    assert (again.status, again.code) == (409, "paytoken_used")
    assert (payer.balance_minor, company.balance_minor) == (8_750, 1_250)
    assert Transaction.objects.filter(kind="charge").count() == 1
    # The company sees where the money came from by the address.
    [row] = company.api.get(f"/wallet/history/{company.wallet_id}").json
    assert row["source__token"] == str(payer.wallet.address)
    # A refund of it names the payer as little as the charge did.
    back = company.api.post("/wallet/refund", {"transaction": paid.json["transaction"]})
    assert back.status == 200
    assert (
        str(payer.wallet_id)
        not in company.api.get(f"/wallets/{company.wallet_id}/statement").raw.decode()
    )


@pytest.mark.parametrize("policy", ["open", "approved", "paytoken"])
def test_it_works_whoever_may_charge_by_the_token(policy: str) -> None:
    payer, company = a_client(holds="100.00"), a_company()
    set_charges(payer, policy)

    assert charge(company, 10, paytoken=a_paytoken(payer)).status == 200
    assert (payer.balance_minor, company.balance_minor) == (9_000, 1_000)


def test_a_refused_charge_burns_no_use() -> None:
    payer, company = a_client(holds="10.00"), a_company()
    paytoken = a_paytoken(payer)

    short = charge(company, 11, paytoken=paytoken)

    assert (short.status, short.code, short.json["details"]) == (400, "insufficient_funds", {})
    assert uses_left() == [1]
    assert Transaction.objects.get(failure_code="insufficient_funds").paytoken_id is not None
    assert charge(company, 10, paytoken=paytoken).status == 200
    assert (uses_left(), payer.balance_minor) == ([0], 0)


def test_it_is_refused_in_the_documented_order(clock: Clock) -> None:
    payer, company, other = a_client(holds="100.00"), a_company(), a_company()
    made = make(payer, max_amount="5.00", company=str(company.user.pk), expires_in=30).json
    paytoken = made["paytoken"]

    unknown = charge(company, 1, paytoken="pt_" + "x" * 43)
    others = charge(other, 6, paytoken=paytoken)
    above = charge(company, "5.01", paytoken=paytoken)
    assert charge(company, "5.00", paytoken=paytoken).status == 200
    used = charge(company, "5.01", paytoken=paytoken)
    clock.move(31)
    expired = charge(company, "5.01", paytoken=paytoken)
    others_expired = charge(other, 1, paytoken=paytoken)
    assert payer.api.call("DELETE", f"/paytokens/{made['id']}").status == 204
    revoked = charge(other, 1, paytoken=paytoken)

    assert (unknown.status, unknown.code) == (404, "not_found")
    assert (others.status, others.code, others.json["details"]) == (
        403, "paytoken_other_company", {},
    )  # fmt: skip
    assert (above.status, above.code) == (400, "paytoken_exceeded")
    assert above.json["details"] == {"max_amount": 5}
    assert (used.status, used.code) == (409, "paytoken_used")
    assert (expired.status, expired.code) == (409, "paytoken_expired")
    assert others_expired.code == "paytoken_other_company"
    assert (revoked.status, revoked.code) == (404, "not_found")
    # None of them is on record, and only the one charge moved money.
    assert Transaction.objects.filter(kind="charge").count() == 1
    assert nothing_moved(payer, other, payer_minor=9_500)


def test_its_own_refusals_come_before_those_of_the_wallet(clock: Clock) -> None:
    company = a_company(holds="10.00")
    payer = a_client(holds="10.00", currency="EUR")
    own, euros = a_paytoken(company, expires_in=30), a_paytoken(payer, expires_in=30)

    assert charge(company, 1, paytoken=own).code == "same_wallet"
    assert charge(company, 1, paytoken=euros).code == "currency_mismatch"
    clock.move(30)
    assert charge(company, 1, paytoken=own).code == "paytoken_expired"
    assert charge(company, 1, paytoken=euros).code == "paytoken_expired"
    assert (uses_left(), company.balance_minor, payer.balance_minor) == ([1, 1], 1_000, 1_000)


@pytest.mark.parametrize("frozen_side", ["payer", "company"])
def test_a_frozen_wallet_is_on_record_and_burns_no_use(frozen_side: str) -> None:
    payer, company = a_client(holds="100.00"), a_company()
    paytoken = a_paytoken(payer)
    freeze({"payer": payer, "company": company}[frozen_side])

    refused = charge(company, 1, paytoken=paytoken)

    assert (refused.status, refused.code) == (409, "wallet_not_active")
    assert uses_left() == [1]
    assert nothing_moved(payer, company)
    assert Transaction.objects.get(failure_code="wallet_not_active").kind == "charge"


def test_both_or_neither_of_wallet_and_paytoken_is_invalid() -> None:
    payer, company = a_client(holds="100.00"), a_company()
    paytoken = a_paytoken(payer)

    both = charge(company, 1, paytoken=paytoken, wallet=payer.wallet_id)
    neither = charge(company, 1)

    assert (both.status, list(both.json["details"])) == (422, ["paytoken"])
    assert (neither.status, list(neither.json["details"])) == (422, ["wallet"])
    assert uses_left() == [1]
    assert nothing_moved(payer, company)


def test_a_batch_spends_what_uses_there_are() -> None:
    payer, company = a_client(holds="100.00"), a_company()
    twice, capped = a_paytoken(payer, uses=2), a_paytoken(payer, max_amount=1)
    shown = (twice, twice, twice, capped, "pt_unknown")
    items = [{"paytoken": each, "amount": 2, "summary": "Tea"} for each in shown]
    items.append({"paytoken": capped, "amount": 0, "summary": "Tea"})
    items.append({"wallet": str(payer.wallet_id), "amount": 1, "summary": "Tea"})

    reply = company.api.post("/wallet/charges", {"charges": items})

    assert [row["code"] for row in reply.json["results"]] == [
        None, None, "paytoken_used", "paytoken_exceeded", "not_found", "amount_not_positive", None,
    ]  # fmt: skip
    assert [row["transaction"] is None for row in reply.json["results"]] == [
        False, False, True, True, True, True, False,
    ]  # fmt: skip
    assert uses_left() == [0, 1]
    assert (payer.balance_minor, company.balance_minor) == (9_500, 500)


def test_fifty_at_once_spend_what_it_has() -> None:
    payer, company = a_client(holds="100.00"), a_company()
    paytoken = a_paytoken(payer, uses=3)

    replies = race(50, lambda _: charge(company, 1, paytoken=paytoken))

    codes = sorted("paid" if each.status == 200 else each.code for each in replies)
    assert codes == ["paid"] * 3 + ["paytoken_used"] * 47
    assert uses_left() == [0]
    assert (payer.balance_minor, company.balance_minor) == (9_700, 300)


def test_a_repeated_creation_answers_the_same_and_no_record_holds_the_secret(
    settings: Settings, caplog: pytest.LogCaptureFixture, owner_dsn: str
) -> None:
    payer = a_client(holds="100.00")
    first = make(payer, key="k", max_amount="9.99")
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "a new key"

    repeat = make(payer, key="k", max_amount="9.99")
    other = make(payer, key="k", max_amount="9.98")
    looked_up = payer.api.get("/idempotency/k")

    assert (first.status, repeat.status, repeat.raw) == (201, 201, first.raw)
    assert repeat.headers["Idempotent-Replayed"] == "true"
    assert (other.status, other.code) == (409, "idempotency_key_reused")
    secret = first.json["paytoken"]
    assert looked_up.json["body"]["id"] == first.json["id"]
    assert not {"paytoken", "qr"} & set(looked_up.json["body"])
    # Neither is it anywhere in the database.
    row = PayToken.objects.get()
    assert secret.encode() not in bytes(row.digest) + bytes(row.salt)
    assert secret.encode() not in bytes(IdempotencyRecord.objects.get(key="k").body)
    assert tables_that_hold(secret, owner_dsn) == []
    assert tables_that_hold(first.json["id"], owner_dsn) != []
    assert secret not in caplog.text
    # And a shop charges by it, whichever key made it.
    company = a_company()
    settings.SECRET_KEY_FALLBACKS = []
    assert charge(company, 1, paytoken=secret).status == 200
    assert payer.balance_minor == 9_900


def test_an_outage_before_the_secret_is_told_makes_none(monkeypatch: pytest.MonkeyPatch) -> None:
    payer = a_client()

    def fail(paytoken_id: uuid.UUID) -> None:
        raise OperationalError("the connection is lost")

    # Given that the database goes away once the pay token is made
    with monkeypatch.context() as outage:
        outage.setattr(paytokens, "text_of", fail)
        lost = make(payer, key="k")

    # Then the answer, that nothing was committed, is right
    assert (lost.status, lost.json["code"]) == (503, "unavailable")
    assert uses_left() == []
    assert make(payer, key="k").status == 201
    assert uses_left() == [1]


def test_a_secret_whose_row_is_gone_is_null(clock: Clock) -> None:
    payer = a_client(holds="100.00")
    first = make(payer, key="k")
    clock.move(3 * 86_400)
    PayToken.objects.all().delete()

    repeat = make(payer, key="k")

    assert (repeat.status, repeat.json) == (201, {**first.json, "paytoken": None, "qr": None})


def test_the_owner_sees_those_that_can_be_used(clock: Clock) -> None:
    payer, stranger = a_client(holds="100.00"), a_client()
    company = a_company()
    kept = make(payer, expires_in=600).json
    used, gone = make(payer).json, make(payer).json
    make(payer, expires_in=30)
    assert charge(company, 1, paytoken=used["paytoken"]).status == 200
    not_theirs = stranger.api.call("DELETE", f"/paytokens/{gone['id']}")
    assert payer.api.call("DELETE", f"/paytokens/{gone['id']}").status == 204
    twice = payer.api.call("DELETE", f"/paytokens/{gone['id']}")
    clock.move(60)

    listed = payer.api.get("/paytokens")

    public = {name: value for name, value in kept.items() if name not in ("paytoken", "qr")}
    assert listed.json == [public]
    assert stranger.api.get("/paytokens").json == []
    assert (not_theirs.status, twice.status) == (404, 404)


def test_an_account_has_a_hundred_alive() -> None:
    payer = a_client(holds="100.00")
    other_wallet = payer.api.post("/wallet/create").json["wallet"]
    for number in range(100):
        wallet = other_wallet if number % 2 else str(payer.wallet_id)
        reply = payer.api.post("/paytokens", {"wallet": wallet})
        assert reply.status == 201

    refused = make(payer)

    assert (refused.status, refused.code) == (409, "paytoken_limit_reached")
    assert refused.json["details"] == {"limit": 100}
    assert payer.api.call("DELETE", f"/paytokens/{reply.json['id']}").status == 204
    assert make(payer).status == 201


def test_of_two_that_race_for_the_last_place_one_is_made() -> None:
    payer = a_client(holds="100.00")
    for _ in range(99):
        assert make(payer).status == 201

    replies = race(4, lambda _: make(payer))

    assert sorted(each.status for each in replies) == [201, 409, 409, 409]
    assert PayToken.objects.count() == 100


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"uses": 0}, "uses"),
        ({"uses": 101}, "uses"),
        ({"uses": True}, "uses"),
        ({"expires_in": 29}, "expires_in"),
        ({"expires_in": 86_401}, "expires_in"),
        ({"max_amount": "1.001"}, "max_amount"),
        ({"company": "nobody"}, "company"),
        ({"unknown": 1}, "unknown"),
    ],
)
def test_a_wrong_field_makes_none(fields: dict[str, Any], field: str) -> None:
    reply = make(a_client(), **fields)

    assert (reply.status, list(reply.json["details"])) == (422, [field])
    assert PayToken.objects.count() == 0


def test_none_is_made_for_another_s_wallet_or_by_an_address_or_for_no_company() -> None:
    payer, stranger, company = a_client(), a_client(), a_company()
    wallets: tuple[object, ...] = (payer.wallet_id, payer.wallet.address, uuid.uuid4())
    replies = [stranger.api.post("/paytokens", {"wallet": str(each)}) for each in wallets]
    replies.append(payer.api.post("/paytokens", {"wallet": str(payer.wallet.address)}))
    replies.append(make(payer, company=str(uuid.uuid4())))
    replies.append(make(payer, company=str(stranger.user.pk)))
    replies.append(make(payer, max_amount=0))

    assert [each.code for each in replies] == ["not_found"] * 6 + ["amount_not_positive"]
    assert company.api.call("DELETE", f"/customer/{company.user.pk}").status == 204
    assert make(payer, company=str(company.user.pk)).status == 404
    assert PayToken.objects.count() == 0
