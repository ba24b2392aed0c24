"""Rules of the model for what payers decide: policies, approvals, pay tokens, payment requests."""

import json
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from tests.fuzz.model import (
    INSUFFICIENT_FUNDS,
    Approval,
    Charge,
    Expected,
    FailedAttempts,
    PaymentRequest,
    PayToken,
    Wallet,
    amount_text,
    failure,
    move,
    to_decimal,
)
from tests.http_client import Reply

CLIENTS = 3
SHOP = CLIENTS
clients, holders = st.integers(0, CLIENTS - 1), st.integers(0, CLIENTS)
limits = st.one_of(st.none(), st.integers(1, 5_000))


class PayingRules(RuleBasedStateMachine):
    """Mixed into the machine, which has the wallets and sends the calls."""

    wallets: list[Wallet]
    charges: list[Charge]
    paytokens: list[PayToken]
    requests: list[PaymentRequest]
    failed_attempts: FailedAttempts

    def _send(self, caller: Wallet, path: str, body: dict[str, Any], expected: Expected) -> Reply:
        raise NotImplementedError

    @rule(number=clients, charges=st.sampled_from(("open", "approved", "paytoken")))
    def say_who_may_charge(self, number: int, charges: str) -> None:
        wallet = self.wallets[number]

        reply = wallet.holder.api.call(
            "PATCH", f"/wallet/info/{wallet.id}", json.dumps({"charges": charges}).encode()
        )

        assert (reply.status, reply.json["charges"]) == (200, charges)
        wallet.charges = charges

    @rule(number=clients, most=limits, in_a_day=limits)
    def approve(self, number: int, most: int | None, in_a_day: int | None) -> None:
        wallet = self.wallets[number]
        body = {"wallet": wallet.id, "company": str(self.wallets[SHOP].holder.user.pk)}
        if most is not None:
            body["max_amount"] = amount_text(most)
        if in_a_day is not None:
            body["max_per_day"] = amount_text(in_a_day)

        reply = self._send(wallet, "/wallet/approvals", body, Expected(success=201))

        wallet.approval = Approval(reply.json["approval"], most, in_a_day)

    @rule(number=clients)
    def revoke_an_approval(self, number: int) -> None:
        wallet = self.wallets[number]
        if wallet.approval is None:
            return

        path = f"/wallet/approvals/{wallet.approval.id}"

        assert wallet.holder.api.call("DELETE", path).status == 204
        wallet.approval = None

    @rule(number=clients, most=limits, uses=st.integers(1, 3))
    def make_a_pay_token(self, number: int, most: int | None, uses: int) -> None:
        wallet = self.wallets[number]
        body: dict[str, Any] = {"wallet": wallet.id, "uses": uses}
        if most is not None:
            body["max_amount"] = amount_text(most)

        made = self._send(wallet, "/paytokens", body, Expected(success=201)).json

        self.paytokens.append(PayToken(made["id"], made["paytoken"], wallet, most, uses))

    @precondition(lambda self: self.paytokens)
    @rule(data=st.data(), amount=st.integers(1, 5_000))
    def charge_by_pay_token(self, data: st.DataObject, amount: int) -> None:
        paytoken, shop = data.draw(st.sampled_from(self.paytokens)), self.wallets[SHOP]
        body = {"paytoken": paytoken.text, "amount": amount_text(amount), "summary": "x"}
        expected = paytoken.failure(amount) or failure(
            paytoken.payer, shop, payer=paytoken.payer, amount=amount
        )
        expected = self.failed_attempts.expect(paytoken.payer, shop, expected)

        reply = self._send(shop, "/wallet/charge", body, expected)

        if reply.status == 200:
            move(paytoken.payer, shop, amount)
            paytoken.uses_left -= 1
            self.charges.append(Charge(reply.json["transaction"], paytoken.payer, amount))
            assert reply.json["balance"] == to_decimal(shop.balance)

    @precondition(lambda self: self.paytokens)
    @rule(data=st.data())
    def revoke_a_pay_token(self, data: st.DataObject) -> None:
        paytoken = data.draw(st.sampled_from(self.paytokens))
        if paytoken.is_revoked:
            return

        reply = paytoken.payer.holder.api.call("DELETE", f"/paytokens/{paytoken.id}")

        assert reply.status == 204
        paytoken.is_revoked = True

    @rule(number=holders, amount=limits)
    def ask_for_money(self, number: int, amount: int | None) -> None:
        payee = self.wallets[number]
        body = {"summary": "x", "wallet": payee.id}
        if amount is not None:
            body["amount"] = amount_text(amount)

        asked = self._send(payee, "/payment-requests", body, Expected(success=201)).json

        self.requests.append(PaymentRequest(asked["id"], payee, amount))

    @precondition(lambda self: self.requests)
    @rule(data=st.data(), number=holders, amount=st.integers(1, 5_000))
    def pay_a_request(self, data: st.DataObject, number: int, amount: int) -> None:
        asked, payer = data.draw(st.sampled_from(self.requests)), self.wallets[number]
        body = {"wallet": payer.id}
        if asked.amount is None:
            body["amount"] = amount_text(amount)
        paid = asked.amount or amount
        expected = failure(payer, asked.payee, payer=payer, amount=paid)
        if asked.status != "open":
            expected = Expected((409, f"payment_request_{asked.status}"))
        elif payer is asked.payee:
            expected = Expected((400, "same_wallet"))
        expected = self.failed_attempts.expect(payer, asked.payee, expected)

        reply = self._send(payer, f"/payment-requests/{asked.id}/pay", body, expected)

        if reply.status == 200:
            move(payer, asked.payee, paid)
            asked.status = "paid"
            assert reply.json["balance"] == to_decimal(payer.balance)
            if asked.payee is self.wallets[SHOP]:
                self.charges.append(Charge(reply.json["transaction"], payer, paid))
        elif expected.error == INSUFFICIENT_FUNDS:
            assert reply.json["details"]["available"] == to_decimal(payer.balance)
        shown = self.wallets[SHOP].holder.api.get(f"/payment-requests/{asked.id}").json
        assert shown["status"] == asked.status

    @precondition(lambda self: any(each.status == "open" for each in self.requests))
    @rule(data=st.data())
    def cancel_a_request(self, data: st.DataObject) -> None:
        opened = [each for each in self.requests if each.status == "open"]
        asked = data.draw(st.sampled_from(opened))

        self._send(asked.payee, f"/payment-requests/{asked.id}/cancel", {}, Expected())

        asked.status = "cancelled"

    def end_what_was_decided(self, wallet: Wallet) -> None:
        """The wallet's owner has left: what could still bring money in or out ends."""
        for paytoken in self.paytokens:
            paytoken.is_revoked |= paytoken.payer is wallet
        for asked in self.requests:
            if asked.payee is wallet and asked.status == "open":
                asked.status = "cancelled"
        wallet.approval = None
