"""Money in answers: plain digits everywhere, also where an asset has eight decimals."""

import re

import pytest

from tests.factories import a_client, a_holder_of_little, an_operator, api_of

pytestmark = pytest.mark.usefixtures("books")

#: A number such as 4.2E-7 or 0E-8, and no part of a UUID.
WITH_EXPONENT = re.compile(r"(?<![\w.-])[0-9.]+[eE][-+]?[0-9]+(?![\w-])")


def test_no_answer_has_an_exponent() -> None:
    client = a_holder_of_little()
    wallet, operator = client.wallet_id, api_of(an_operator())
    empty = a_client(currency=client.wallet.asset_id)
    transfer = {"source": str(wallet), "target": str(empty.wallet_id)}

    replies = [
        client.api.get(f"/wallet/info/{wallet}"),
        client.api.get("/wallet/list"),
        client.api.get(f"/wallet/history/{wallet}"),
        client.api.get(f"/wallets/{wallet}"),
        client.api.get(f"/wallets/{wallet}/transactions"),
        client.api.get(f"/wallets/{wallet}/statement"),
        client.api.get(f"/wallets/{wallet}/statement?format=csv"),
        empty.api.get(f"/wallets/{empty.wallet_id}/statement?format=csv"),
        empty.api.get(f"/wallet/info/{empty.wallet_id}"),
        client.api.get(f"/api/v1/wallet/balances/{client.user.pk}"),
        client.api.get(f"/api/v1/wallet/transactions/{client.user.pk}"),
        operator.get(f"/api/v1/wallet/ledger/{client.user.pk}"),
        client.api.post("/wallet/transfer", {**transfer, "amount": "0.00000002"}, key="once"),
        client.api.get("/idempotency/once"),
        client.api.post("/wallet/transfer", {**transfer, "amount": "0.00000043"}),
        client.api.post("/paytokens", {"wallet": str(wallet), "max_amount": "0.00000007"}),
        client.api.get(f"/customer/{client.user.pk}"),
    ]

    assert [reply.status for reply in replies[:10]] == [200] * 10
    assert [WITH_EXPONENT.findall(reply.raw.decode()) for reply in replies] == [[]] * len(replies)
    assert b"0.00000042" in replies[0].raw
    assert b'"opening balance",,0.00000000,,' in replies[6].raw
    assert b"-0.00000001,0.00000042," in replies[6].raw
    assert b'"shortfall":0.00000003' in replies[14].raw
