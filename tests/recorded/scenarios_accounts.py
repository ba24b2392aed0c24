"""Sign up, log in, log out, change and reset a password; customers."""

import re
from collections.abc import Callable
from typing import Any

from django.core import mail

from tests.factories import PHONE, CompanyFactory, a_client, a_company, an_operator, api_of
from tests.jobs import run_jobs
from tests.recorded.operations import COMPANY, PASSWORD, PERSON, close
from tests.recorded.recording import NOBODY, Caller, Tape

EMAIL = "ada@example.com"
NEW = "battery-staple-9"
#: What is wrong with a sign-up: fields changed or, by `...`, left out.
WRONG_SIGN_UPS: tuple[dict[str, Any], ...] = (
    {"email": "ada"},
    {"email": "a" * 250 + "@example.com"},
    {"email": None},
    {"email": ...},
    {"email": ""},
    {"email": "a\x00b@example.com"},
    {"email": "\u017fam@example.com"},
    {"email": "ada@exam\u200bple.com"},
    {"email": "ada@[127.0.0.1]"},
    {"email": 5},
    {"password": "12345678"},
    {"password": "short-7"},
    {"password": "password"},
    {"password": "ada@example.com"},
    {"password": "x7" * 300},
    {"password": "a\ud800bcdefgh"},
    {"role": "operator"},
)
WRONG_PROFILES: tuple[dict[str, Any], ...] = (
    {"first_name": ""},
    {"first_name": "a" * 151},
    {"first_name": ...},
    {"last_name": 5},
    {"last_name": "\u200b"},
    {"last_name": "a\x00"},
    {"phone_number": "+34 666666666"},
    {"phone_number": "666666666"},
    {"phone_number": "+1"},
    {"extra": 1},
)
WRONG_COMPANIES: tuple[dict[str, Any], ...] = (
    {"name": ""},
    {"name": ...},
    {"url": "ftp://shop.example.com"},
    {"url": "shop.example.com"},
    {"url": 5},
)


def client_accounts(tape: Tape) -> None:
    """The life of a client's account."""
    _life_of_an_account(tape, "client", {"client": PERSON})
    _wrong_sign_ups(tape, "client", PERSON, WRONG_PROFILES)


def company_accounts(tape: Tape) -> None:
    """The life of a company's account."""
    _life_of_an_account(tape, "company", {"company": COMPANY})
    _wrong_sign_ups(tape, "company", COMPANY, WRONG_COMPANIES)
    for number, url in enumerate((..., None, "")):
        credentials = {"email": f"shop{number}@bücher.example", "password": PASSWORD}
        profile = _changed(COMPANY, {"url": url})
        tape.nobody().post("/company/signup", {**credentials, "company": profile})


def _life_of_an_account(tape: Tape, kind: str, profile: dict[str, Any]) -> None:
    nobody, session = tape.nobody(), _sessions(tape)
    credentials = {"email": EMAIL, "password": PASSWORD}
    other = "company" if kind == "client" else "client"
    signed_up = nobody.post(f"/{kind}/signup", {**credentials, **profile})
    first = session("first session", signed_up.json["token"])
    first.get("/wallet/list")
    nobody.post(f"/{kind}/signup", {**credentials, "email": "Ada@Example.com", **profile})
    second = session("second session", nobody.post(f"/{kind}/login", credentials).json["token"])
    nobody.post(f"/{kind}/login", {**credentials, "email": "ADA@example.com"})
    nobody.post(f"/{kind}/login", {**credentials, "password": "wrong"})
    nobody.post(f"/{kind}/login", {**credentials, "email": "nobody@example.com"})
    nobody.post(f"/{other}/login", credentials)
    nobody.post(f"/{other}/login", {**credentials, "password": "wrong"})
    for body in (
        {},
        {"email": EMAIL},
        {**credentials, "password": 5},
        {**credentials, "next": "/"},
    ):
        nobody.post(f"/{kind}/login", body)
    change = {"current_password": PASSWORD, "new_password": NEW}
    second.post(f"/{kind}/password", {**change, "current_password": "wrong"})
    for wrong in ("12345678", "", EMAIL, 5):
        second.post(f"/{kind}/password", {**change, "new_password": wrong})
    second.post(f"/{kind}/password", change)
    first.get("/wallet/list")
    second.get("/wallet/list")
    nobody.post(f"/{kind}/login", credentials)
    credentials["password"] = NEW
    third = session("third session", nobody.post(f"/{kind}/login", credentials).json["token"])
    third.post(f"/{kind}/logout", {"all": True})
    third.post(f"/{kind}/logout")
    third.post(f"/{kind}/logout")
    # Either operation ends the sessions of either.
    fourth = session("fourth session", nobody.post(f"/{kind}/login", credentials).json["token"])
    fourth.post(f"/{other}/logout")
    fifth = session("fifth session", nobody.post(f"/{kind}/login", credentials).json["token"])
    fifth.post(f"/{kind}/logoutall")
    for caller in (fifth, second):
        caller.get("/wallet/list")


def _wrong_sign_ups(
    tape: Tape, kind: str, profile: dict[str, Any], wrong: tuple[dict[str, Any], ...]
) -> None:
    nobody = tape.nobody()
    good = {"email": "ben@example.com", "password": PASSWORD, kind: profile}
    for change in WRONG_SIGN_UPS:
        nobody.post(f"/{kind}/signup", _changed(good, change))
    for change in wrong:
        nobody.post(f"/{kind}/signup", {**good, kind: _changed(profile, change)})
    nobody.post(f"/{kind}/signup", {**good, kind: "Ada"})
    nobody.post(f"/{kind}/signup", b'{"email": "a@example.com", "email": "b@example.com"}')
    nobody.post(f"/{kind}/signup", b"[]")


def password_resets(tape: Tape) -> None:
    """Asked for by mail, and good once."""
    nobody, session = tape.nobody(), _sessions(tape)
    credentials = {"email": EMAIL, "password": PASSWORD}
    signed_up = nobody.post("/client/signup", {**credentials, "client": PERSON})
    client = session("client", signed_up.json["token"])
    nobody.post("/password/reset", {"email": "nobody@example.com"})
    for body in ({}, {"email": ""}, {"email": "ada@exa\nmple.com"}, {"uid": NOBODY}):
        nobody.post("/password/reset", body)
    nobody.post("/password/reset", {"email": "Ada@example.com"})
    run_jobs()
    said = dict(re.findall(r"(uid|token): (\S+)", str(mail.outbox[-1].body)))
    good = {**said, "new_password": NEW}
    wrong: tuple[dict[str, Any], ...] = (
        {"uid": NOBODY},
        {"uid": "1"},
        {"uid": ...},
        {"token": "d1abcd-0"},
        {"token": "x" * 101},
        {"new_password": "12345678"},
        {"new_password": EMAIL},
        {"extra": 1},
    )
    for change in wrong:
        nobody.post("/password/reset/confirm", _changed(good, change))
    nobody.post("/password/reset/confirm", good)
    nobody.post("/password/reset/confirm", good)
    client.get("/wallet/list")
    nobody.post("/client/login", credentials)
    nobody.post("/client/login", {**credentials, "password": NEW})


def customers(tape: Tape) -> None:
    """Who may see, change and erase a customer."""
    holder, operators_api = a_client(holds="100.50"), api_of(an_operator())
    nobody, client = tape.nobody(), tape.holder("client", holder)
    other = tape.holder("other client", a_client())
    shop = a_company()
    company, operator = tape.holder("company", shop), tape.caller("operator", operators_api)
    path = f"/customer/{holder.user.pk}"
    for caller in (nobody, client, company, operator):
        caller.get("/me")
    for caller in (nobody, client, other, company, operator):
        caller.get(path)
        caller.get(f"/customer/{shop.user.pk}")
    own = {"wallet": str(holder.wallet_id)}
    client.post("/wallet/approvals", {**own, "company": str(shop.user.pk), "max_amount": "50.00"})
    company.post("/wallet/charge", {**own, "amount": 500, "summary": "Car"})
    for caller in (nobody, client, other, company, operator):
        caller.get(f"{path}/export")
        caller.get(f"/customer/{shop.user.pk}/export")
    operator.get(f"/customer/{NOBODY}/export")
    nobody.get(path, Authorization="Token nonsense")
    for caller in (nobody, client, operator):
        caller.get(f"/customer/{NOBODY}")
    for caller in (client, operator):
        _patch(caller, path, b'{"first_name": "Augusta"}')
    for raw in (
        b'{"first_name": "", "last_name": null}',
        b'{"phone_number": "+34 666"}',
        b'{"email": "b@example.com", "balance": 1}',
        b"[]",
        b"{}",
        b'{"last_name": " King ", "phone_number": "%s"}' % PHONE.encode(),
    ):
        _patch(client, path, raw)
    _patch(other, path, b'{"first_name": "B"}')
    _patch(nobody, path, b'{"first_name": "B"}')
    _patch(operator, f"/customer/{NOBODY}", b'{"first_name": "B"}')
    for caller in (nobody, other, client, operator):
        caller.call("DELETE", path)
    operator.call("DELETE", f"/customer/{NOBODY}")
    client.post("/wallet/withdraw", {"wallet": str(holder.wallet_id), "amount": "100.50"})
    client.call("DELETE", path)
    client.call("DELETE", path)
    nobody.get(path)
    operator.get(path)
    operator.call("DELETE", path)
    operator.call("DELETE", f"/customer/{shop.user.pk}")


def own_limits(tape: Tape) -> None:
    """Rate limits that an operator gives an account, and what they then refuse."""
    holder, shop = a_client(holds="9.00"), a_company()
    client, company = tape.holder("client", holder), tape.holder("company", shop)
    operator = tape.caller("operator", api_of(an_operator()))
    path, of_shop = f"/customer/{holder.user.pk}/limits", f"/company/{shop.user.pk}/limits"
    for caller in (tape.nobody(), client, company, operator):
        caller.get(path)
        caller.get(of_shop)
        caller.call("PUT", path, b'{"writes": 2, "reads": 600}')
    client.call("PUT", of_shop, b"{}")
    for raw in (b'{"writes": 0}', b'{"reads": "9"}', b'{"writes": 1000001}', b"[]", b"{}"):
        operator.call("PUT", of_shop, raw)
    for wrong in (
        f"/customer/{NOBODY}/limits",
        f"/company/{NOBODY}/limits",
        f"/company/{holder.user.pk}/limits",
        f"/customer/{shop.user.pk}/limits",
    ):
        operator.get(wrong)
        operator.call("PUT", wrong, b"{}")
        operator.call("DELETE", wrong)
    client.post("/transaction", [{"value": 1}] * 3)
    for caller in (tape.nobody(), client, company, operator):
        caller.call("DELETE", path)
        caller.call("DELETE", of_shop)
    operator.get(path)


def fees_of_companies(tape: Tape) -> None:
    """What an operator has a company pay for each charge, and what a charge then says."""
    payer, shop = a_client(holds="90.00"), a_company()
    without = CompanyFactory.create().user
    client, company = tape.holder("client", payer), tape.holder("company", shop)
    operator = tape.caller("operator", api_of(an_operator()))
    path = f"/company/{shop.user.pk}/fee"
    for caller in (tape.nobody(), client, company, operator):
        caller.get(path)
        caller.call("PUT", path, b'{"percent": "2.5", "fixed": 0.30, "min": "0.50", "max": 10}')
    company.get(path)
    charge = {"wallet": str(payer.wallet_id), "amount": "10.00", "summary": "Tea"}
    company.post("/wallet/charge", charge)
    company.post("/wallet/charges", {"charges": [charge]})
    for raw in (
        b"{}",
        b'{"percent": null}',
        b'{"percent": "1.00000"}',
        b'{"percent": "100.1"}',
        b'{"fixed": "-1"}',
        b'{"fixed": "0.001"}',
        b'{"min": "2", "max": "1"}',
        b'{"currency": "USD"}',
        b"[]",
    ):
        operator.call("PUT", path, raw)
    for wrong in (NOBODY, payer.user.pk, without.pk):
        operator.get(f"/company/{wrong}/fee")
        operator.call("PUT", f"/company/{wrong}/fee", b'{"percent": 1}')
        operator.call("DELETE", f"/company/{wrong}/fee")
    for caller in (tape.nobody(), client, company, operator, operator):
        caller.call("DELETE", path)
    company.get(path)
    company.post("/wallet/charge", charge)
    gone = a_company()
    close(gone)
    operator.call("PUT", f"/company/{gone.user.pk}/fee", b'{"percent": 1}')


def _patch(caller: Caller, path: str, raw: bytes) -> None:
    caller.call("PATCH", path, raw)


def _changed(good: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**good, **change}.items() if value is not ...}


def _sessions(tape: Tape) -> Callable[[str, str], Caller]:
    return lambda name, token: tape.caller(name, tape.nobody().api.as_(token))


SCENARIOS = (
    client_accounts,
    company_accounts,
    password_resets,
    customers,
    own_limits,
    fees_of_companies,
)
