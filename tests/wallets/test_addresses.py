"""A wallet's address can only be paid into, and is all that other people are shown."""

import json
from typing import Any

import pytest

from tests.factories import Holder, a_client, a_company, a_paytoken, an_operator, api_of, charge
from tests.intake.queueing import drain

pytestmark = pytest.mark.usefixtures("books")


def address(holder: Holder) -> str:
    return str(holder.wallet.address)


def test_own_wallets_show_their_address_and_who_may_charge_them() -> None:
    owner = a_client()
    made = owner.api.post("/wallet/create").json
    resource = owner.api.post("/wallets", {"balance": 1}).json

    for shown in (
        made,
        resource,
        owner.api.get(f"/wallet/info/{made['wallet']}").json,
        owner.api.get("/wallet/list").json[0],
        owner.api.get(f"/wallets/{resource['id']}").json,
    ):
        assert (shown["charges"], shown["label"]) == ("open", "")
        assert shown["address"] not in (shown.get("wallet"), shown.get("id"), None)


def test_money_goes_to_an_address() -> None:
    sender, receiver = a_client(holds="100.00"), a_client()
    source, target = str(sender.wallet_id), address(receiver)

    by_token = sender.api.post(
        "/wallet/transfer", {"source": source, "target": target, "amount": 1}
    )
    resource = sender.api.post(
        "/wallets/transfer", {"senderWalletId": source, "receiverWalletId": target, "amount": 2}
    )
    later = sender.api.post(
        "/wallet/transfer",
        {"source": source, "target": target, "amount": 4},
        Prefer="respond-async",
    )
    queued = sender.api.post("/transaction", {"value": 8, "target": target})
    [*pending] = sender.api.get(f"/wallets/{source}/transactions").json["data"][:2]
    drain()

    assert (by_token.status, resource.status, later.status, queued.status) == (200, 200, 202, 202)
    stranger = {"id": target, "balance": None, "address": None, "charges": None, "label": None}
    assert stranger.items() <= resource.json["receiver"].items()
    assert {row["receiverWallet"] for row in pending if row["status"] == "pending"} == {target}
    assert (sender.balance_minor, receiver.balance_minor) == (8_500, 1_500)


def test_an_address_is_no_wallet_to_take_from_or_to_look_into() -> None:
    owner, company = a_client(holds="100.00"), a_company()
    named, token = address(owner), str(owner.wallet_id)
    other = address(a_client())

    replies = [
        charge(company, 1, wallet=named),
        owner.api.post("/wallet/deposit", {"wallet": named, "amount": 1}),
        owner.api.post("/wallet/withdraw", {"wallet": named, "amount": 1}),
        owner.api.post("/wallet/transfer", {"source": named, "target": other, "amount": 1}),
        owner.api.post("/wallets/fund", {"walletId": named, "amount": 1}),
        owner.api.post(f"/wallets/{named}/deposit", {"amount": 1}),
        owner.api.post("/wallet/freeze", {"wallet": named}),
        *(
            owner.api.get(path.format(named))
            for path in ("/wallet/info/{}", "/wallet/history/{}", "/wallets/{}",
                         "/wallets/{}/statement", "/wallets/{}/transactions")
        ),
    ]  # fmt: skip

    assert {(each.status, each.code) for each in replies} == {(404, "not_found")}
    own = owner.api.post("/wallet/transfer", {"source": token, "target": named, "amount": 1})
    assert own.code == "same_wallet"
    assert (owner.balance_minor, company.balance_minor) == (10_000, 0)


def test_nobody_learns_another_s_token() -> None:
    # Given a client who paid, was paid, transferred, queued, and was charged in each way
    ana, ben = a_client(holds="100.00"), a_client(holds="100.00")
    shop, other_shop = a_company(holds="50.00"), a_company()
    ana_token, ben_token = str(ana.wallet_id), str(ben.wallet_id)
    assert charge(shop, 1, paytoken=a_paytoken(ana)).status == 200
    assert charge(shop, 1_000, paytoken=a_paytoken(ana)).status == 400
    asked = other_shop.api.post("/payment-requests", {"summary": "Tea", "amount": 2}).json
    ana.api.post(f"/payment-requests/{asked['id']}/pay", {"wallet": ana_token})
    mine = ana.api.post("/payment-requests", {"summary": "Lunch", "amount": 3}).json
    ben.api.post(f"/payment-requests/{mine['id']}/pay", {"wallet": ben_token})
    for body in (
        {"source": ana_token, "target": ben_token, "amount": 4},
        {"source": ana_token, "target": address(ben), "amount": 9_999},
    ):
        ana.api.post("/wallet/transfer", body)
    ana.api.post("/transaction", {"value": 5, "target": address(ben)})

    # When everybody looks at everything
    def seen_by(holder: Holder) -> str:
        pages = pages_of(holder, holder.wallet_id)
        return "".join(holder.api.get(path, **headers).raw.decode() for path, headers in pages)

    # Then each sees the own token only
    tokens = {str(each.wallet_id): each for each in (ana, ben, shop, other_shop)}
    for holder in tokens.values():
        shown = seen_by(holder)
        assert {token for token in tokens if token in shown} == {str(holder.wallet_id)}


def test_a_company_sees_the_token_that_it_charged_by_and_operators_see_all() -> None:
    ana, shop = a_client(holds="100.00"), a_company()
    by_token = charge(shop, 10, wallet=ana.wallet_id).json["transaction"]
    by_paytoken = charge(shop, 10, paytoken=a_paytoken(ana)).json["transaction"]
    for each in (by_token, by_paytoken):
        assert shop.api.post("/wallet/refund", {"transaction": each, "amount": 1}).status == 200

    rows = shop.api.get(f"/wallet/history/{shop.wallet_id}").json
    payers = [
        row["source__token"] if row["type"] == "charge" else row["target__token"] for row in rows
    ]
    entries = shop.api.get(f"/wallets/{shop.wallet_id}/statement").json["entries"]
    operator = api_of(an_operator())
    ledger = operator.get(f"/api/v1/wallet/ledger/{shop.user.pk}").json["data"]

    # Newest first: the refund by pay token, that by token, then the charges.
    token, named = str(ana.wallet_id), address(ana)
    assert payers == [named, token, named, token]
    assert [each["counterparty"] for each in entries] == [token, named, token, named]
    assert {row["account"] for row in ledger} == {token, str(shop.wallet_id)}


def pages_of(holder: Holder, token: Any) -> list[tuple[str, dict[str, str]]]:
    csv = {"Accept": "text/csv"}
    return [
        ("/wallet/list", {}),
        (f"/wallet/history/{token}", {}),
        (f"/wallets/{token}", {}),
        (f"/wallets/{token}/transactions", {}),
        (f"/wallets/{token}/statement", {}),
        (f"/wallets/{token}/statement", csv),
        (f"/api/v1/wallet/ledger/{holder.user.pk}", {}),
        (f"/api/v1/wallet/transactions/{holder.user.pk}", {}),
        ("/wallet/approvals", {}),
        ("/paytokens", {}),
        ("/payment-requests", {}),
    ]


def test_the_flows_answer_the_label_as_it_is() -> None:
    # Given a label that needs escapes, in JSON and in the template of the fast way
    owner, other = a_client(holds="100.00"), a_client()
    label = 'a "b" %1$s %% \\ \x7f é'
    body = json.dumps({"label": label}).encode()
    assert owner.api.call("PATCH", f"/wallet/info/{owner.wallet_id}", body).status == 200

    for path in (f"/wallets/{owner.wallet_id}/deposit", f"/wallets/{owner.wallet_id}/withdraw"):
        assert owner.api.post(path, {"amount": 1}).json["label"] == label
    sent = owner.api.post(
        "/wallets/transfer",
        {"senderWalletId": str(owner.wallet_id), "receiverWalletId": address(other), "amount": 1},
    )
    assert sent.json["sender"]["label"] == label
