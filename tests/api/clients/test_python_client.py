"""The Python client against the running service: types, exact amounts, codes of refusals."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from config.environment import BASE_DIR
from harness.installation import Installation
from wallet_client import Refused, UnexpectedAnswer, WalletClient
from wallet_client.models import (
    AmountBody,
    ChargeBody,
    ClientProfileBody,
    ClientSignUpBody,
    CompanyProfileBody,
    CompanySignUpBody,
    CreateWithBalanceBody,
    PasswordBody,
    PatchedChangeBody,
    PaymentBody,
    PaymentRequestBody,
    PayTokenBody,
)

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("clients")]

PASSWORD = "correct-horse-7"
PERSON = {"first_name": "Ada", "last_name": "Lovelace", "phone_number": "+34666666666"}

Connect = Callable[[], WalletClient]


@pytest.fixture
def connect(service: Installation) -> Iterator[Connect]:
    with ExitStack() as stack:
        yield lambda: stack.enter_context(WalletClient(service.url))


def new_email() -> str:
    return f"{uuid4()}@example.com"


@pytest.fixture
def client(connect: Connect) -> WalletClient:
    client = connect()
    person = ClientProfileBody(**PERSON)
    session = client.client_signup(
        ClientSignUpBody(email=new_email(), password=PASSWORD, client=person)
    )
    client.token = session.token
    return client


@pytest.fixture
def company(connect: Connect) -> WalletClient:
    company = connect()
    profile = CompanyProfileBody(name="Corner Shop", url="https://shop.example", **PERSON)
    session = company.company_signup(
        CompanySignUpBody(email=new_email(), password=PASSWORD, company=profile)
    )
    company.token = session.token
    return company


def amount_body(wallet: UUID, text: str) -> AmountBody:
    return AmountBody(wallet=wallet, amount=Decimal(text))


def charge_body(wallet: UUID, text: str) -> ChargeBody:
    return ChargeBody(wallet=wallet, amount=Decimal(text), summary="Order 1017")


def test_money_stays_exact_from_deposit_to_history(
    client: WalletClient, company: WalletClient
) -> None:
    # Given a wallet with 100.10 less 0.20
    wallet = client.wallet_create().wallet
    shop = company.wallet_create()
    assert client.wallet_deposit(amount_body(wallet, "100.10")).balance == Decimal("100.10")
    assert client.wallet_withdraw(amount_body(wallet, "0.20")).balance == Decimal("99.90")

    # When a company charges it, once within its balance and once above
    charged = company.wallet_charge(charge_body(wallet, "0.30"))
    with pytest.raises(Refused) as refused:
        company.wallet_charge(charge_body(wallet, "99.61"))

    # Then the answers are exact, and the refusal has its code
    assert (charged.wallet, charged.balance) == (shop.wallet, Decimal("0.30"))
    assert (refused.value.status, refused.value.code) == (400, "insufficient_funds")
    assert refused.value.body.path == "/wallet/charge"

    # And the history has all four transactions, newest first
    history = client.wallet_history(wallet)
    assert [(row.type, row.amount, row.balance, row.error) for row in history] == [
        ("charge", Decimal("99.61"), None, "insufficient_funds"),
        ("charge", Decimal("0.30"), Decimal("99.60"), None),
        ("withdrawal", Decimal("0.20"), Decimal("99.90"), None),
        ("deposit", Decimal("100.10"), Decimal("100.10"), None),
    ]
    assert history[1].transaction == charged.transaction
    assert history[1].source__token == wallet
    assert history[1].target__token == shop.address
    assert history[1].date.utcoffset() is not None
    assert [row.success for row in client.wallet_history(wallet, success=False)] == [False]
    assert client.wallet_history(wallet, type="deposit", cursor=history[3].transaction) == []


def test_amounts_beyond_float_precision_stay_exact(client: WalletClient) -> None:
    wallet = client.wallet_create().wallet
    almost_all = Decimal("999999999999999.99")
    assert Decimal(float(almost_all)) != almost_all
    assert client.wallet_deposit(AmountBody(wallet=wallet, amount=almost_all)).balance == almost_all

    # And where the schema has no type: in the details of a refusal, in a recorded answer
    with pytest.raises(Refused) as refused:
        client.wallet_withdraw(amount_body(wallet, "1000000000000000"), idempotency_key="too-much")
    assert refused.value.details == {"available": almost_all, "shortfall": Decimal("0.01")}
    recorded = client.idempotency_key("too-much")
    assert (recorded.state, recorded.statusCode) == ("completed", 400)
    assert recorded.body["details"]["available"] == almost_all


def test_a_dry_run_answers_and_keeps_nothing(client: WalletClient) -> None:
    wallet = client.wallet_create().wallet
    body = AmountBody(wallet=wallet, amount=Decimal("5.00"))

    tried = client.wallet_deposit(body, dry_run=True)
    opened = client.wallets_create(CreateWithBalanceBody(balance=Decimal("7.00")), dry_run=True)

    assert tried.balance == Decimal(5)
    assert (opened.id, opened.balance) == (None, Decimal(7))
    assert [each.balance for each in client.wallet_list()] == [Decimal(0)]


def test_a_pay_token_is_charged_once(client: WalletClient, company: WalletClient) -> None:
    # Given a wallet that nobody may charge by its token
    wallet = client.wallets_create(CreateWithBalanceBody(balance=Decimal("20.00"))).id
    assert wallet is not None
    client.wallet_change(wallet, PatchedChangeBody(charges="paytoken"))
    company.wallet_create()
    with pytest.raises(Refused) as refused:
        company.wallet_charge(charge_body(wallet, "1.00"))
    assert (refused.value.status, refused.value.code) == (403, "charge_not_approved")

    # When its owner shows a company a pay token
    order = PayTokenBody(wallet=wallet, max_amount=Decimal("15.00"))
    shown = client.paytoken_create(order, idempotency_key="show")
    assert client.paytoken_create(order, idempotency_key="show") == shown
    assert [each.id for each in client.paytoken_list()] == [shown.id]
    assert shown.paytoken is not None
    charge = ChargeBody(paytoken=shown.paytoken, amount=Decimal("12.50"), summary="Order 1017")
    charged = company.wallet_charge(charge)
    with pytest.raises(Refused) as refused:
        company.wallet_charge(charge)

    # Then it is charged once, and the company is not told whose token it was
    assert charged.balance == Decimal("12.50")
    assert (refused.value.status, refused.value.code) == (409, "paytoken_used")
    info = client.wallet_info(wallet)
    assert info.balance == Decimal("7.50")
    [row] = company.wallet_history(charged.wallet)
    assert (row.transaction, row.source__token) == (charged.transaction, info.address)
    assert client.paytoken_list() == []


def test_a_payment_request_is_paid_once(
    client: WalletClient, company: WalletClient, connect: Connect
) -> None:
    # Given a shop that asks for money, and a wallet
    shop = company.wallet_create().wallet
    asked = company.payment_request_create(
        PaymentRequestBody(summary="Tea", amount=Decimal("3.20"), tips=True, reference="t-4")
    )
    wallet = client.wallets_create(CreateWithBalanceBody(balance=Decimal("10.00"))).id
    assert wallet is not None
    assert (asked.status, asked.amount, asked.reference) == ("open", Decimal("3.20"), "t-4")

    # When somebody without a token looks, and the wallet's owner pays twice
    scanned = connect().payment_request_get(asked.id)
    payment = PaymentBody(wallet=wallet, tip=Decimal("0.30"))
    paid = client.payment_request_pay(asked.id, payment)
    with pytest.raises(Refused) as refused:
        client.payment_request_pay(asked.id, payment)

    # Then it is paid once, and only payee and payer see by what
    assert (scanned.payee.name, scanned.reference) == ("Corner Shop", None)
    assert (paid.wallet, paid.balance) == (wallet, Decimal("6.50"))
    assert (refused.value.status, refused.value.code) == (409, "payment_request_paid")
    [ended] = company.payment_request_list(status="paid")
    assert (ended.paid_amount, ended.tip) == (Decimal("3.50"), Decimal("0.30"))
    assert ended.transaction == paid.transaction
    assert client.payment_request_get(asked.id).transaction == paid.transaction
    assert connect().payment_request_get(asked.id).transaction is None
    assert company.wallet_info(shop).balance == Decimal("3.50")


def test_an_amount_with_an_exponent_is_sent_as_plain_digits(client: WalletClient) -> None:
    hundred = Decimal("100.00").normalize()
    assert str(hundred) == "1E+2"
    created = client.wallets_create(CreateWithBalanceBody(balance=hundred))
    assert (created.currency, created.balance) == ("USD", Decimal(100))
    assert created.id is not None
    assert client.wallets_statement(created.id).closingBalance == Decimal(100)


def test_the_same_key_moves_money_once(client: WalletClient) -> None:
    wallet = client.wallet_create().wallet
    order = amount_body(wallet, "10.00")
    answers = [client.wallet_deposit(order, idempotency_key="order 1/2") for _ in range(2)]
    assert answers[0] == answers[1]
    assert client.wallet_info(wallet).balance == Decimal(10)
    assert client.idempotency_key("order 1/2").state == "completed"
    with pytest.raises(Refused) as refused:
        client.wallet_deposit(amount_body(wallet, "11.00"), idempotency_key="order 1/2")
    assert refused.value.code == "idempotency_key_reused"


@pytest.mark.parametrize(
    ("code", "call"),
    [
        ("not_found", lambda client, _: client.wallet_info(uuid4())),
        ("not_found", lambda client, _: client.wallet_info("../status")),
        ("amount_not_positive", lambda client, own: client.wallet_deposit(amount_body(own, "0"))),
        ("validation_error", lambda client, own: client.wallet_deposit(amount_body(own, "0.001"))),
        ("validation_error", lambda client, own: client.wallet_history(own, limit=201)),
        ("permission_denied", lambda client, own: client.wallet_charge(charge_body(own, "1"))),
    ],
)
def test_a_refusal_has_its_code(
    client: WalletClient, code: str, call: Callable[[WalletClient, UUID], Any]
) -> None:
    own = client.wallet_create().wallet
    with pytest.raises(Refused) as refused:
        call(client, own)
    assert refused.value.code == code
    assert client.wallet_info(own).balance == 0


def test_a_call_without_an_answer_body_returns_none(client: WalletClient) -> None:
    passwords = PasswordBody(current_password=PASSWORD, new_password="battery-staple-9")
    client.client_change_password(passwords)
    client.client_logout()
    with pytest.raises(Refused) as refused:
        client.wallet_list()
    assert refused.value.code == "invalid_token"


def test_an_unexpected_answer_and_an_unreachable_server_have_their_own_exceptions(
    service: Installation,
) -> None:
    with WalletClient(f"{service.url}/admin") as misdirected, pytest.raises(UnexpectedAnswer):
        misdirected.status()
    with WalletClient("http://127.0.0.1:1") as unreachable, pytest.raises(httpx.TransportError):
        unreachable.status()


def test_the_example_of_its_readme_works(
    service: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    readme = (BASE_DIR / "clients/python/README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"^```python\n(.*?)^```$", readme, re.M | re.S)
    exec(example.replace("http://127.0.0.1:8000", service.url), {})
    assert capsys.readouterr().out == "999979.90\n"
