"""The service over HTTP against a model of it in plain Python: any calls, the same answers."""

from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
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
    REUSED,
    SHORT,
    STOPPED,
    Charge,
    Expected,
    Queued,
    Relative,
    Sent,
    Wallet,
    amount_of,
    failure,
    gold,
    money,
    move,
    text,
)
from tests.http_client import Reply
from tests.intake.queueing import drain
from wallets.assets import create_asset
from wallets.models import Status
from wallets.services import set_status

pytestmark = pytest.mark.usefixtures("books")

CLIENTS = 3
SHOP = CLIENTS

amounts = st.one_of(st.integers(1, 5_000), st.sampled_from(Relative))
clients = st.integers(0, CLIENTS - 1)
everybody = st.integers(0, CLIENTS)


class Service(RuleBasedStateMachine):
    """What `API.md` promises of money, written down a second time without a database."""

    @initialize()
    def open_accounts(self) -> None:
        self.wallets = [*(Wallet(a_client()) for _ in range(CLIENTS)), Wallet(a_company())]
        self.operator = Wallet(Holder(user := an_operator(), api_of(user), user.pk))
        self.gone: list[Wallet] = []
        self.charges: list[Charge] = []
        self.queue: list[Queued] = []
        self.sent: list[Sent] = []

    # --- Cash ---------------------------------------------------------------------------

    @rule(number=everybody, amount=st.integers(1, 10_000), door=st.integers(0, 2))
    def deposit(self, number: int, amount: int, door: int) -> None:
        wallet = self.wallets[number]
        path, body = (
            ("/wallet/deposit", {"wallet": wallet.id}),
            ("/wallets/fund", {"walletId": wallet.id}),
            (f"/wallets/{wallet.id}/deposit", {}),
        )[door]

        reply = self._send(wallet, path, {**body, "amount": text(amount)}, failure(wallet))

        if reply.status == 200:
            wallet.balance += amount
            assert reply.json["balance"] == money(wallet.balance)

    @rule(number=everybody, drawn=amounts, door=st.integers(0, 1))
    def withdraw(self, number: int, drawn: int | Relative, door: int) -> None:
        wallet = self.wallets[number]
        amount = amount_of(drawn, wallet.balance)
        path, body = (
            ("/wallet/withdraw", {"wallet": wallet.id}),
            (f"/wallets/{wallet.id}/withdraw", {}),
        )[door]
        expected = failure(wallet, payer=wallet, amount=amount)

        reply = self._send(wallet, path, {**body, "amount": text(amount)}, expected)

        self._owner_is_told(reply, wallet, amount)
        if reply.status == 200:
            wallet.balance -= amount
            assert reply.json["balance"] == money(wallet.balance)

    @rule(number=everybody, other=everybody, drawn=amounts, door=st.integers(0, 1))
    def transfer(self, number: int, other: int, drawn: int | Relative, door: int) -> None:
        source, target = self.wallets[number], self.wallets[other]
        amount = amount_of(drawn, source.balance)
        path, (from_, to) = (
            ("/wallet/transfer", ("source", "target")),
            ("/wallets/transfer", ("senderWalletId", "receiverWalletId")),
        )[door]
        body = {from_: source.id, to: target.id, "amount": text(amount)}
        expected = failure(source, target, payer=source, amount=amount)
        if source is target:
            expected = Expected((400, "same_wallet"))

        reply = self._send(source, path, body, expected)

        self._owner_is_told(reply, source, amount)
        if reply.status == 200:
            move(source, target, amount)
            told = reply.json["sender"] if door else reply.json
            assert told["balance"] == money(source.balance)

    @precondition(lambda self: self.gone)
    @rule(number=clients)
    def transfer_to_who_has_left(self, number: int) -> None:
        source = self.wallets[number]
        body = {"source": source.id, "target": self.gone[-1].id, "amount": 1}
        self._send(source, "/wallet/transfer", body, Expected(STOPPED))

    # --- Charges ------------------------------------------------------------------------

    @rule(number=clients, drawn=amounts)
    def charge(self, number: int, drawn: int | Relative) -> None:
        payer, shop = self.wallets[number], self.wallets[SHOP]
        amount = amount_of(drawn, payer.balance)
        body = {"wallet": payer.id, "amount": text(amount), "summary": "x"}

        reply = self._send(
            shop, "/wallet/charge", body, failure(payer, shop, payer=payer, amount=amount)
        )

        if reply.status == 200:
            move(payer, shop, amount)
            assert reply.json["balance"] == money(shop.balance)
            self.charges.append(Charge(reply.json["transaction"], payer, amount))
        else:
            # What a wallet holds is its owner's business.
            assert reply.json["details"] == {}

    @rule(batch=st.lists(st.tuples(clients, amounts), min_size=1, max_size=4))
    def charge_many(self, batch: list[tuple[int, int | Relative]]) -> None:
        shop = self.wallets[SHOP]
        items, codes = [], []
        for number, drawn in batch:
            payer = self.wallets[number]
            amount = amount_of(drawn, payer.balance)
            expected = failure(payer, shop, payer=payer, amount=amount)
            items.append({"wallet": payer.id, "amount": text(amount), "summary": "x"})
            codes.append(expected.error and expected.error[1])
            if expected.error is None:
                move(payer, shop, amount)

        reply = self._send(shop, "/wallet/charges", {"charges": items}, Expected())

        assert [result["code"] for result in reply.json["results"]] == codes
        assert reply.json["balance"] == money(shop.balance)

    @precondition(lambda self: self.charges)
    @rule(data=st.data(), share=st.sampled_from(("all", "half", "all and one")))
    def refund(self, data: st.DataObject, share: str) -> None:
        charge, shop = data.draw(st.sampled_from(self.charges)), self.wallets[SHOP]
        left = charge.amount - charge.refunded
        amount = {"all": left, "half": max(1, left // 2), "all and one": left + 1}[share]
        body = {"transaction": charge.transaction}
        if share != "all":
            body["amount"] = text(amount)
        expected = failure(shop, charge.payer, payer=shop, amount=amount)
        if amount > left or left == 0:
            expected = Expected((409, "refund_exceeds_charge"))

        reply = self._send(shop, "/wallet/refund", body, expected)

        if reply.status == 200:
            move(shop, charge.payer, amount)
            charge.refunded += amount
            assert reply.json["balance"] == money(shop.balance)
            assert reply.json["refunded"] == money(charge.refunded)

    # --- Credits of the platform ----------------------------------------------------------

    @rule(number=clients, amount=st.integers(1, 5_000), call=st.sampled_from(("topup", "bonus")))
    def credit(self, number: int, amount: int, call: str) -> None:
        wallet = self.wallets[number]

        reply = self._send(
            self.operator, f"/api/v1/wallet/{call}", gold(wallet, amount), Expected()
        )

        wallet.gold = (wallet.gold or 0) + amount
        assert reply.json["balance"] == money(wallet.gold)

    @rule(number=clients, drawn=amounts, by_operator=st.booleans())
    def spend(self, number: int, drawn: int | Relative, by_operator: bool) -> None:
        wallet = self.wallets[number]
        amount = amount_of(drawn, wallet.gold or 0)
        caller = self.operator if by_operator else wallet
        expected = Expected()
        if wallet.gold is None:
            expected = Expected((409, "no_wallet"))
        elif wallet.gold < amount:
            expected = Expected(SHORT)

        reply = self._send(caller, "/api/v1/wallet/spend", gold(wallet, amount), expected)

        if reply.status == 200 and wallet.gold is not None:
            wallet.gold -= amount
            assert reply.json["balance"] == money(wallet.gold)

    @precondition(lambda self: self.gone)
    @rule()
    def credit_who_has_left(self) -> None:
        unknown = Expected((400, "unknown_user"))
        body = gold(self.gone[-1], 1)
        self._send(self.operator, "/api/v1/wallet/topup", body, unknown, is_kept=False)

    # --- The queue ------------------------------------------------------------------------

    @rule(
        number=clients,
        amount=st.integers(1, 5_000),
        other=st.one_of(st.none(), everybody),
        by_operator=st.booleans(),
    )
    def queue_one(self, number: int, amount: int, other: int | None, by_operator: bool) -> None:
        source = self.wallets[number]
        target = None if other is None else self.wallets[other]
        body: dict[str, Any] = {"value": text(amount), "customer": str(source.holder.user.pk)}
        if target is not None:
            body["target"] = target.id
        caller = self.operator if by_operator else source

        reply = self._send(caller, "/transaction", body, Expected(success=202))

        self.queue.append(Queued(reply.json["id"], source, target, amount))

    @rule(number=everybody, drawn=amounts)
    def withdraw_later(self, number: int, drawn: int | Relative) -> None:
        wallet = self.wallets[number]
        amount = amount_of(drawn, wallet.balance)
        body = {"wallet": wallet.id, "amount": text(amount)}

        reply = wallet.holder.api.post("/wallet/withdraw", body, Prefer="respond-async")

        assert reply.status == 202
        self.queue.append(Queued(reply.json["id"], wallet, None, amount))

    @precondition(lambda self: self.queue)
    @rule()
    def run_the_queue(self) -> None:
        ran, self.queue = self.queue, []

        drain()

        for queued in ran:
            wallets = [each for each in (queued.source, queued.target) if each is not None]
            expected = failure(*wallets, payer=queued.source, amount=queued.amount)
            is_done = expected.error is None and queued.source is not queued.target
            if is_done:
                move(queued.source, queued.target, queued.amount)
            told = self.operator.holder.api.get(f"/transaction/{queued.id}").json
            assert (told["status"] == "completed") is is_done, (told, expected)
            assert told["failed"] is not is_done

    # --- Those who look after it ------------------------------------------------------------

    @rule(number=everybody, status=st.sampled_from((Status.FROZEN, Status.ACTIVE, Status.ACTIVE)))
    def freeze_or_set_free(self, number: int, status: Status) -> None:
        wallet = self.wallets[number]
        unit_of_work(
            lambda: set_status(wallet.holder.wallet_id, status=status, reason="Test", actor=None)
        )
        wallet.status = status

    @rule(number=clients, by_operator=st.booleans())
    def leave(self, number: int, by_operator: bool) -> None:
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
        self.gone.append(wallet)
        self.wallets[number] = Wallet(a_client())

    # --- Once more ------------------------------------------------------------------------

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def repeat(self, data: st.DataObject) -> None:
        sent = data.draw(st.sampled_from(self.sent))

        reply = sent.caller.holder.api.post(sent.path, sent.body, key=sent.key)

        if sent.caller in self.gone:
            assert reply.code == "invalid_token"
        elif sent.kept is not None:
            assert (reply.status, reply.raw) == (sent.kept.status, sent.kept.raw)
            assert reply.headers["Idempotent-Replayed"] == "true"

    @precondition(lambda self: any(each.kept for each in self.sent))
    @rule(data=st.data())
    def use_a_key_again(self, data: st.DataObject) -> None:
        sent = data.draw(st.sampled_from([each for each in self.sent if each.kept]))
        if sent.caller not in self.gone:
            wallet = sent.caller if sent.caller is not self.operator else self.wallets[0]
            reply = sent.caller.holder.api.post(
                "/api/v1/wallet/spend", gold(wallet, 77_777), key=sent.key
            )
            assert (reply.status, reply.code) == REUSED

    # --- What always holds ------------------------------------------------------------------

    @invariant()
    def the_books_balance(self) -> None:
        assert [line for line in trial_balance() if line.difference_minor] == []

    @invariant()
    def everybody_has_what_the_model_says(self) -> None:
        for wallet in self.wallets:
            info = wallet.holder.api.get(f"/wallet/info/{wallet.id}").json
            assert info["balance"] == info["available"] == money(wallet.balance)
            assert info["status"] == wallet.status
        for wallet in self.wallets[:CLIENTS]:
            path = f"/api/v1/wallet/balance/{wallet.holder.user.pk}/GOLD"
            assert wallet.holder.api.get(path).json["balance"] == money(wallet.gold or 0)

    def _send(
        self,
        caller: Wallet,
        path: str,
        body: dict[str, Any],
        expected: Expected,
        *,
        is_kept: bool = True,
    ) -> Reply:
        """Call under a new key; the answer must be the expected one."""
        key = f"key-{len(self.sent)}"
        reply = caller.holder.api.post(path, body, key=key)
        assert reply.status == expected.status, (path, body, reply.raw)
        if expected.error:
            assert reply.code == expected.error[1]
        self.sent.append(Sent(caller, path, body, key, reply if is_kept else None))
        return reply

    def _owner_is_told(self, reply: Reply, wallet: Wallet, amount: int) -> None:
        if reply.status == 400 and reply.code == "insufficient_funds":
            assert reply.json["details"] == {
                "available": money(wallet.balance),
                "shortfall": money(amount - wallet.balance),
            }


def test_money_moves_as_in_a_model_in_plain_python(settings: Settings) -> None:
    settings.RATELIMIT_ENABLE = False
    create_asset(symbol="GOLD", name="Gold", decimals=2, is_cash=False)
    run_state_machine_as_test(Service, settings=bounded(max_examples=4, stateful_step_count=20))
