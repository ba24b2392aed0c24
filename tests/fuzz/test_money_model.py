"""Random calls over HTTP: the service must answer like a model in plain Python."""

from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from pytest_django import Settings

from core.unit_of_work import unit_of_work
from ledger.trial_balance import trial_balance
from tests.factories import Holder, a_client, a_company, an_operator, api_of
from tests.fuzz.bounds import bounded
from tests.fuzz.model import (
    INSUFFICIENT_FUNDS,
    KEY_REUSED,
    WALLET_NOT_ACTIVE,
    Charge,
    Expected,
    FailedAttempts,
    PaymentRequest,
    PayToken,
    Queued,
    Relative,
    SentCall,
    Wallet,
    amount_of,
    amount_text,
    charge_failure,
    failure,
    gold_body,
    move,
    move_by_token,
    to_decimal,
)
from tests.fuzz.paying_rules import CLIENTS, SHOP, PayingRules, clients, holders
from tests.http_client import Reply
from tests.intake.queueing import drain
from wallets.assets import create_asset
from wallets.models import Status
from wallets.services import set_status

pytestmark = pytest.mark.usefixtures("books")

#: Of two accounts; few, so that it is reached.
MOST_FAILED = 2

amounts = st.one_of(st.integers(1, 5_000), st.sampled_from(Relative))


class WalletService(PayingRules):
    """The promises of `docs/api.md` about money, implemented without a database."""

    @initialize()
    def open_accounts(self) -> None:
        self.wallets = [*(Wallet(a_client()) for _ in range(CLIENTS)), Wallet(a_company())]
        self.operator = Wallet(Holder(user := an_operator(), api_of(user), user.pk))
        self.removed: list[Wallet] = []
        self.charges: list[Charge] = []
        self.queue: list[Queued] = []
        self.paytokens: list[PayToken] = []
        self.requests: list[PaymentRequest] = []
        self.failed_attempts = FailedAttempts(MOST_FAILED)
        self.sent: list[SentCall] = []

    # --- Cash ---------------------------------------------------------------------------

    @rule(number=holders, amount=st.integers(1, 10_000), variant=st.integers(0, 2))
    def deposit(self, number: int, amount: int, variant: int) -> None:
        wallet = self.wallets[number]
        path, body = (
            ("/wallet/deposit", {"wallet": wallet.id}),
            ("/wallets/fund", {"walletId": wallet.id}),
            (f"/wallets/{wallet.id}/deposit", {}),
        )[variant]

        reply = self._send(wallet, path, {**body, "amount": amount_text(amount)}, failure(wallet))

        if reply.status == 200:
            wallet.balance += amount
            assert reply.json["balance"] == to_decimal(wallet.balance)

    @rule(number=holders, drawn=amounts, variant=st.integers(0, 1))
    def withdraw(self, number: int, drawn: int | Relative, variant: int) -> None:
        wallet = self.wallets[number]
        amount = amount_of(drawn, wallet.balance)
        path, body = (
            ("/wallet/withdraw", {"wallet": wallet.id}),
            (f"/wallets/{wallet.id}/withdraw", {}),
        )[variant]
        expected = failure(wallet, payer=wallet, amount=amount)

        reply = self._send(wallet, path, {**body, "amount": amount_text(amount)}, expected)

        self._check_details_for_owner(reply, wallet, amount)
        if reply.status == 200:
            wallet.balance -= amount
            assert reply.json["balance"] == to_decimal(wallet.balance)

    @rule(number=holders, other=holders, drawn=amounts, variant=st.integers(0, 1))
    def transfer(self, number: int, other: int, drawn: int | Relative, variant: int) -> None:
        source, target = self.wallets[number], self.wallets[other]
        amount = amount_of(drawn, source.balance)
        path, (from_, to) = (
            ("/wallet/transfer", ("source", "target")),
            ("/wallets/transfer", ("senderWalletId", "receiverWalletId")),
        )[variant]
        body = {from_: source.id, to: target.id, "amount": amount_text(amount)}
        expected = failure(source, target, payer=source, amount=amount)
        if source is target:
            expected = Expected((400, "same_wallet"))
        expected = self.failed_attempts.expect(source, target, expected)

        reply = self._send(source, path, body, expected)

        self._check_details_for_owner(reply, source, amount)
        if reply.status == 200:
            move(source, target, amount)
            wallet = reply.json["sender"] if variant else reply.json
            assert wallet["balance"] == to_decimal(source.balance)

    @precondition(lambda self: self.removed)
    @rule(number=clients)
    def transfer_to_a_removed_customer(self, number: int) -> None:
        source, target = self.wallets[number], self.removed[-1]
        body = {"source": source.id, "target": target.id, "amount": 1}
        expected = self.failed_attempts.expect(source, target, Expected(WALLET_NOT_ACTIVE))
        self._send(source, "/wallet/transfer", body, expected)

    # --- Charges -----------------------------------------------------------------------------

    @rule(number=clients, drawn=amounts)
    def charge(self, number: int, drawn: int | Relative) -> None:
        payer, shop = self.wallets[number], self.wallets[SHOP]
        amount = amount_of(drawn, payer.balance)
        body = {"wallet": payer.id, "amount": amount_text(amount), "summary": "x"}
        expected = charge_failure(payer, shop, amount)
        expected = self.failed_attempts.expect(payer, shop, expected)

        reply = self._send(shop, "/wallet/charge", body, expected)

        if reply.status == 200:
            move_by_token(payer, shop, amount)
            assert reply.json["balance"] == to_decimal(shop.balance)
            self.charges.append(Charge(reply.json["transaction"], payer, amount))
        else:
            # Only the owner of a wallet gets its balance.
            assert reply.json["details"].keys() <= {"retryAfterSeconds"}

    @rule(batch=st.lists(st.tuples(clients, amounts), min_size=1, max_size=4))
    def charge_many(self, batch: list[tuple[int, int | Relative]]) -> None:
        shop = self.wallets[SHOP]
        items, codes = [], []
        for number, drawn in batch:
            payer = self.wallets[number]
            amount = amount_of(drawn, payer.balance)
            expected = charge_failure(payer, shop, amount)
            expected = self.failed_attempts.expect(payer, shop, expected)
            items.append({"wallet": payer.id, "amount": amount_text(amount), "summary": "x"})
            codes.append(expected.error and expected.error[1])
            if expected.error is None:
                move_by_token(payer, shop, amount)

        reply = self._send(shop, "/wallet/charges", {"charges": items}, Expected())

        assert [result["code"] for result in reply.json["results"]] == codes
        assert reply.json["balance"] == to_decimal(shop.balance)

    @precondition(lambda self: self.charges)
    @rule(data=st.data(), share=st.sampled_from(("all", "half", "more than all")))
    def refund(self, data: st.DataObject, share: str) -> None:
        charge, shop = data.draw(st.sampled_from(self.charges)), self.wallets[SHOP]
        left = charge.amount - charge.refunded
        amount = {"all": left, "half": max(1, left // 2), "more than all": left + 1}[share]
        body = {"transaction": charge.transaction}
        if share != "all":
            body["amount"] = amount_text(amount)
        expected = failure(shop, charge.payer, payer=shop, amount=amount)
        if amount > left or left == 0:
            expected = Expected((409, "refund_exceeds_charge"))
        expected = self.failed_attempts.expect(shop, charge.payer, expected)

        reply = self._send(shop, "/wallet/refund", body, expected)

        if reply.status == 200:
            move(shop, charge.payer, amount)
            charge.refunded += amount
            assert reply.json["balance"] == to_decimal(shop.balance)
            assert reply.json["refunded"] == to_decimal(charge.refunded)

    # --- Credits of the platform ----------------------------------------------------------

    @rule(number=clients, amount=st.integers(1, 5_000), call=st.sampled_from(("topup", "bonus")))
    def credit(self, number: int, amount: int, call: str) -> None:
        wallet = self.wallets[number]

        reply = self._send(
            self.operator, f"/api/v1/wallet/{call}", gold_body(wallet, amount), Expected()
        )

        wallet.gold = (wallet.gold or 0) + amount
        assert reply.json["balance"] == to_decimal(wallet.gold)

    @rule(number=clients, drawn=amounts, by_operator=st.booleans())
    def spend(self, number: int, drawn: int | Relative, by_operator: bool) -> None:
        wallet = self.wallets[number]
        amount = amount_of(drawn, wallet.gold or 0)
        caller = self.operator if by_operator else wallet
        expected = Expected()
        if wallet.gold is None:
            expected = Expected((409, "no_wallet"))
        elif wallet.gold < amount:
            expected = Expected(INSUFFICIENT_FUNDS)

        reply = self._send(caller, "/api/v1/wallet/spend", gold_body(wallet, amount), expected)

        if reply.status == 200 and wallet.gold is not None:
            wallet.gold -= amount
            assert reply.json["balance"] == to_decimal(wallet.gold)

    @precondition(lambda self: self.removed)
    @rule()
    def credit_a_removed_customer(self) -> None:
        unknown = Expected((400, "unknown_user"))
        body = gold_body(self.removed[-1], 1)
        self._send(self.operator, "/api/v1/wallet/topup", body, unknown, is_recorded=False)

    # --- The queue ------------------------------------------------------------------------

    @rule(
        number=clients,
        amount=st.integers(1, 5_000),
        other=st.one_of(st.none(), holders),
        by_operator=st.booleans(),
    )
    def queue_a_transaction(
        self, number: int, amount: int, other: int | None, by_operator: bool
    ) -> None:
        source = self.wallets[number]
        target = None if other is None else self.wallets[other]
        body: dict[str, Any] = {
            "value": amount_text(amount),
            "customer": str(source.holder.user.pk),
        }
        if target is not None:
            body["target"] = target.id
        caller = self.operator if by_operator else source

        reply = self._send(caller, "/transaction", body, Expected(success=202))

        self.queue.append(Queued(reply.json["id"], source, target, amount))

    @rule(number=holders, drawn=amounts)
    def queue_a_withdrawal(self, number: int, drawn: int | Relative) -> None:
        wallet = self.wallets[number]
        amount = amount_of(drawn, wallet.balance)
        body = {"wallet": wallet.id, "amount": amount_text(amount)}

        reply = wallet.holder.api.post("/wallet/withdraw", body, Prefer="respond-async")

        assert reply.status == 202
        self.queue.append(Queued(reply.json["id"], wallet, None, amount))

    @precondition(lambda self: self.queue)
    @rule()
    def run_the_queue(self) -> None:
        processed, self.queue = self.queue, []

        drain()

        for queued in processed:
            wallets = [each for each in (queued.source, queued.target) if each is not None]
            expected = failure(*wallets, payer=queued.source, amount=queued.amount)
            if queued.target is not None:
                expected = self.failed_attempts.expect(queued.source, queued.target, expected)
            is_completed = expected.error is None and queued.source is not queued.target
            if is_completed:
                move(queued.source, queued.target, queued.amount)
            state = self.operator.holder.api.get(f"/transaction/{queued.id}").json
            assert (state["status"] == "completed") is is_completed, (state, expected)
            assert state["failed"] is not is_completed

    # --- Support ----------------------------------------------------------------------------

    @rule(number=holders, status=st.sampled_from((Status.FROZEN, Status.ACTIVE, Status.ACTIVE)))
    def freeze_or_unfreeze(self, number: int, status: Status) -> None:
        wallet = self.wallets[number]
        unit_of_work(
            lambda: set_status(wallet.holder.wallet_id, status=status, reason="Test", actor=None)
        )
        wallet.status = status

    @rule(number=clients, by_operator=st.booleans())
    def remove_customer(self, number: int, by_operator: bool) -> None:
        wallet = self.wallets[number]
        caller = self.operator if by_operator else wallet
        customer = f"/customer/{wallet.holder.user.pk}"

        reply = caller.holder.api.call("DELETE", customer)

        if wallet.balance or wallet.gold:
            assert (reply.status, reply.code) == (409, "balance_not_zero")
            return
        assert reply.status == 204
        assert wallet.holder.api.get("/wallet/list").code == "invalid_token"
        assert self.operator.holder.api.get(customer).status == 404
        wallet.status = Status.CLOSED
        self.end_what_was_decided(wallet)
        self.removed.append(wallet)
        self.wallets[number] = Wallet(a_client())

    # --- Repeats --------------------------------------------------------------------------

    @precondition(lambda self: any(each.recorded for each in self.sent))
    @rule(data=st.data())
    def repeat(self, data: st.DataObject) -> None:
        sent = data.draw(st.sampled_from([each for each in self.sent if each.recorded]))

        reply = sent.caller.holder.api.post(sent.path, sent.body, key=sent.key)

        if sent.caller in self.removed:
            assert reply.code == "invalid_token"
        elif sent.recorded is not None:
            assert (reply.status, reply.raw) == (sent.recorded.status, sent.recorded.raw)
            assert reply.headers["Idempotent-Replayed"] == "true"

    @precondition(lambda self: any(each.recorded for each in self.sent))
    @rule(data=st.data())
    def reuse_a_key(self, data: st.DataObject) -> None:
        sent = data.draw(st.sampled_from([each for each in self.sent if each.recorded]))
        if sent.caller not in self.removed:
            wallet = sent.caller if sent.caller is not self.operator else self.wallets[0]
            reply = sent.caller.holder.api.post(
                "/api/v1/wallet/spend", gold_body(wallet, 77_777), key=sent.key
            )
            assert (reply.status, reply.code) == KEY_REUSED

    # --- Invariants -------------------------------------------------------------------------

    @invariant()
    def the_trial_balance_is_zero(self) -> None:
        assert [line for line in trial_balance() if line.difference_minor] == []

    @invariant()
    def failed_attempts_are_on_record_up_to_the_limit(self) -> None:
        self.failed_attempts.check()

    @invariant()
    def wallets_have_the_balances_of_the_model(self) -> None:
        for wallet in self.wallets:
            info = wallet.holder.api.get(f"/wallet/info/{wallet.id}").json
            assert info["balance"] == info["available"] == to_decimal(wallet.balance)
            assert info["status"] == wallet.status
        for wallet in self.wallets[:CLIENTS]:
            path = f"/api/v1/wallet/balance/{wallet.holder.user.pk}/GOLD"
            assert wallet.holder.api.get(path).json["balance"] == to_decimal(wallet.gold or 0)

    def _send(
        self,
        caller: Wallet,
        path: str,
        body: dict[str, Any],
        expected: Expected,
        *,
        is_recorded: bool = True,
    ) -> Reply:
        """Call with a new key and check the answer."""
        key = f"key-{len(self.sent)}"
        reply = caller.holder.api.post(path, body, key=key)
        assert reply.status == expected.status, (path, body, reply.raw)
        if expected.error:
            assert reply.code == expected.error[1]
        # What may be another time otherwise leaves the key free.
        is_recorded &= expected.status not in (403, 404, 429)
        self.sent.append(SentCall(caller, path, body, key, reply if is_recorded else None))
        return reply

    def _check_details_for_owner(self, reply: Reply, wallet: Wallet, amount: int) -> None:
        if reply.status == 400 and reply.code == "insufficient_funds":
            assert reply.json["details"] == {
                "available": to_decimal(wallet.balance),
                "shortfall": to_decimal(amount - wallet.balance),
            }


def test_money_moves_as_in_the_model(settings: Settings) -> None:
    settings.RATELIMIT_ENABLE = False
    settings.FAILED_ATTEMPTS = MOST_FAILED
    create_asset(symbol="GOLD", name="Gold", decimals=2, is_cash=False)
    run_state_machine_as_test(
        WalletService, settings=bounded(max_examples=4, stateful_step_count=20)
    )
