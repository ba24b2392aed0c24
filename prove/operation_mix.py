"""Every operation of money, drawn at random."""

import random
from typing import Any
from uuid import UUID

from harness.actors import Actor
from prove.actors import GOLD, Actors, draw_amount, major
from prove.hold_mix import HoldMix
from prove.operations import OPENED, Effect, Log, Operation
from prove.safe_mix import SHORT, SafeMix

LARGEST_BATCH = 12
#: How often a caller sends no key: then it may never learn what happened.
WITHOUT_KEY = 0.04


class OperationMix:
    """Makes operations for the actors. What it draws depends on the chance that it is given."""

    def __init__(self, actors: Actors, log: Log) -> None:
        self._actors = actors
        self._log = log
        self.safe = SafeMix(actors, log)
        self.holds = HoldMix(actors, log)
        self._drawn = [
            *[self.charge] * 6,
            *[self.transfer] * 3,
            *[self.bank_transfer] * 3,
            *[self.refund] * 3,
            *[self.charges, self.resource_transfer, self.credit, self.intake_many] * 2,
            self.deposit,
            self.withdraw,
            self.fund,
            self.open_with_deposit,
            self.resource_deposit,
            self.resource_withdraw,
            self.queued_transfer,
            self.queued_withdrawal,
            self.spend,
            self.intake_one,
            *self.safe.makers,
            *self.holds.makers,
        ]

    def draw(self, chance: random.Random) -> Operation:
        """Return a new operation."""
        operation = chance.choice(self._drawn)(chance)
        if not operation.key_in_body and chance.random() < WITHOUT_KEY:
            operation.has_key = False
        return operation

    # --- By token ---------------------------------------------------------------------------

    def deposit(self, chance: random.Random) -> Operation:
        return self.deposit_of(self._client(chance), draw_amount(chance))

    def deposit_of(self, client: Actor, minor: int) -> Operation:
        body = {"wallet": str(client.wallet), "amount": major(minor)}
        effect = Effect("deposit", None, client.wallet, minor)
        return self._make("deposit", client, "/wallet/deposit", body, effect)

    def withdraw(self, chance: random.Random) -> Operation:
        return self.withdrawal_of(self._client(chance), draw_amount(chance))

    def withdrawal_of(self, client: Actor, minor: int) -> Operation:
        body = {"wallet": str(client.wallet), "amount": major(minor)}
        effect = Effect("withdrawal", client.wallet, None, minor)
        return self._make("withdraw", client, "/wallet/withdraw", body, effect, refusals=SHORT)

    def transfer(self, chance: random.Random) -> Operation:
        source, target = chance.sample(self._actors.clients, 2)
        return self.transfer_between(source, source.wallet, target.wallet, draw_amount(chance))

    def bank_transfer(self, chance: random.Random) -> Operation:
        bank = self._actors.bank
        source, target = chance.sample(bank.wallets, 2)
        return self.transfer_between(bank, source, target, draw_amount(chance))

    def transfer_between(self, caller: Actor, source: UUID, target: UUID, minor: int) -> Operation:
        body = {"source": str(source), "target": str(target), "amount": major(minor)}
        effect = Effect("transfer", source, target, minor)
        return self._make("transfer", caller, "/wallet/transfer", body, effect, refusals=SHORT)

    def charge(self, chance: random.Random) -> Operation:
        company = chance.choice(self._actors.companies)
        return self.charge_of(company, self._client(chance).wallet, draw_amount(chance))

    def charge_of(self, company: Actor, payer: UUID, minor: int) -> Operation:
        body = {"wallet": str(payer), "amount": major(minor), "summary": "charge"}
        effect = Effect("charge", payer, company.wallet, minor)
        return self._make("charge", company, "/wallet/charge", body, effect, refusals=SHORT)

    def charges(self, chance: random.Random) -> Operation:
        company = chance.choice(self._actors.companies)
        payers = [self._client(chance).wallet for _ in range(chance.randint(2, LARGEST_BATCH))]
        effects = [Effect("charge", payer, company.wallet, draw_amount(chance)) for payer in payers]
        operation = self._make("charges", company, "/wallet/charges", {}, *effects)
        operation.body["charges"] = [
            {
                "wallet": str(effect.source),
                "amount": major(effect.amount_minor),
                "summary": f"{operation.id}/{position}",
            }
            for position, effect in enumerate(effects)
        ]
        return operation

    def refund(self, chance: random.Random) -> Operation:
        # Other threads only append to the list, so an index stays valid.
        known = len(self._log.charges)
        if not known:
            return self.charge(chance)
        charge = self._log.charges[chance.randrange(known)]
        operation = self.refund_of(charge, chance.randint(1, charge.effects[0].amount_minor))
        operation.body["fee"] = chance.choice(("keep", "return"))
        return operation

    def refund_of(self, charge: Operation, minor: int) -> Operation:
        """Refund a part of a charge that was carried out."""
        charged, *_ = charge.effects
        transaction = charge.transaction
        effect = Effect("refund", charged.target, charged.source, minor, transaction)
        body = {"transaction": str(transaction), "amount": major(minor)}
        refusals = SHORT | {"refund_exceeds_charge"}
        company = Actor(transaction, charge.token)
        return self._make("refund", company, "/wallet/refund", body, effect, refusals=refusals)

    # --- Wallets as resources ---------------------------------------------------------------

    def open_with_deposit(self, chance: random.Random) -> Operation:
        client, minor = self._client(chance), draw_amount(chance)
        return self._make(
            "open with a deposit",
            client,
            "/wallets",
            {"balance": major(minor)},
            Effect("deposit", None, OPENED, minor),
            refusals=frozenset({"wallet_limit_reached"}),
            status=201,
        )

    def fund(self, chance: random.Random) -> Operation:
        client, minor = self._client(chance), draw_amount(chance)
        body = {"wallet_id": str(client.wallet), "amount": major(minor)}
        effect = Effect("deposit", None, client.wallet, minor)
        operation = self._make("fund", client, "/wallets/fund", body, effect)
        return _keyed_in_body(operation, "idempotencyKey")

    def resource_transfer(self, chance: random.Random) -> Operation:
        source, target = chance.sample(self._actors.clients, 2)
        minor = draw_amount(chance)
        operation = self._make(
            "transfer (resource)",
            source,
            "/wallets/transfer",
            {
                "senderWalletId": str(source.wallet),
                "receiverWalletId": str(target.wallet),
                "amount": major(minor),
            },
            Effect("transfer", source.wallet, target.wallet, minor),
            refusals=SHORT,
        )
        return _keyed_in_body(operation, chance.choice(("idempotencyKey", "clientTransactionId")))

    def resource_deposit(self, chance: random.Random) -> Operation:
        return _as_resource(self.deposit(chance))

    def resource_withdraw(self, chance: random.Random) -> Operation:
        return _as_resource(self.withdraw(chance))

    def queued_transfer(self, chance: random.Random) -> Operation:
        return _queued(self.resource_transfer(chance), "transfer (respond-async)")

    def queued_withdrawal(self, chance: random.Random) -> Operation:
        return _queued(self.resource_withdraw(chance), "withdraw (respond-async)")

    # --- Credits ----------------------------------------------------------------------------

    def credit(self, chance: random.Random) -> Operation:
        player, minor = chance.choice(self._actors.players), draw_amount(chance)
        kind = chance.choice(("topup", "bonus"))
        effect = Effect(kind, None, player.wallet, minor)
        return self._credits(kind, self._actors.operator, player, effect)

    def spend(self, chance: random.Random) -> Operation:
        player, minor = chance.choice(self._actors.players), draw_amount(chance)
        effect = Effect("spend", player.wallet, None, minor)
        return self._credits("spend", player, player, effect, refusals=SHORT)

    def _credits(
        self, kind: str, caller: Actor, player: Actor, effect: Effect, **more: Any
    ) -> Operation:
        amount = major(effect.amount_minor)
        body = {"userId": str(player.id), "assetSymbol": GOLD, "amount": amount}
        return self._make(kind, caller, f"/api/v1/wallet/{kind}", body, effect, **more)

    # --- Intake -----------------------------------------------------------------------------

    def intake_one(self, chance: random.Random) -> Operation:
        client = self._client(chance)
        effect = self._queued_effect(client, chance)
        operation = self._make("intake, one", client, "/transaction", {}, effect, status=202)
        operation.body, operation.is_queued = _item(operation, 0), True
        return operation

    def intake_many(self, chance: random.Random) -> Operation:
        payers = [self._client(chance) for _ in range(chance.randint(2, LARGEST_BATCH))]
        effects = [self._queued_effect(payer, chance) for payer in payers]
        operator = self._actors.operator
        operation = self._make("intake, array", operator, "/transaction", {}, *effects, status=202)
        operation.body = [
            {**_item(operation, position), "customer": str(payer.id)}
            for position, payer in enumerate(payers)
        ]
        operation.is_queued = True
        return operation

    def _queued_effect(self, payer: Actor, chance: random.Random) -> Effect:
        target = self._client(chance)
        if target is payer or chance.random() < 0.5:  # noqa: PLR2004
            return Effect("spend", payer.wallet, None, draw_amount(chance))
        return Effect("transfer", payer.wallet, target.wallet, draw_amount(chance))

    # --- What they have in common -------------------------------------------------------------

    def _client(self, chance: random.Random) -> Actor:
        return chance.choice(self._actors.clients)

    def _make(
        self, name: str, caller: Actor, path: str, body: object, *effects: Effect, **more: Any
    ) -> Operation:
        return Operation(self._log.new_id(), name, caller.token, path, body, effects, **more)


def _item(operation: Operation, position: int) -> dict[str, object]:
    """Return the body of one transaction of the intake."""
    effect = operation.effects[position]
    item: dict[str, object] = {
        "value": major(effect.amount_minor),
        "latency": 20,
        "description": f"{operation.id}/{position}",
    }
    return item if effect.target is None else {**item, "target": str(effect.target)}


def _as_resource(operation: Operation) -> Operation:
    """Turn a deposit or a withdrawal by token into the same of a wallet as a resource."""
    operation.path = f"/wallets/{operation.body.pop('wallet')}/{operation.name}"
    operation.name += " (resource)"
    return operation


def _keyed_in_body(operation: Operation, field: str) -> Operation:
    operation.body[field] = operation.id
    operation.key_in_body = True
    return operation


def _queued(operation: Operation, name: str) -> Operation:
    operation.name = name
    operation.headers["Prefer"] = "respond-async"
    operation.body["description"] = f"{operation.id}/0"
    operation.refusals = frozenset()
    operation.status, operation.is_queued = 202, True
    return operation
