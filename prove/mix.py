"""Every operation of money, drawn at random."""

import random
from collections.abc import Callable
from uuid import UUID

from prove.actors import GOLD, Actor, Cast, major
from prove.operations import OPENED, Charged, Effect, Log, Operation

SHORT = frozenset({"insufficient_funds"})
LARGEST_BATCH = 12


class Mix:
    """Makes operations for a cast. What it draws depends on the chance that it is given."""

    def __init__(self, cast: Cast, log: Log) -> None:
        self._cast = cast
        self._log = log
        self._drawn: list[Callable[[random.Random], Operation]] = [
            *[self.charge] * 6,
            *[self.transfer] * 3,
            *[self.bank_transfer] * 3,
            *[self.refund] * 3,
            self.deposit,
            self.withdraw,
            self.charges,
            self.charges,
            self.fund,
            self.open_with_deposit,
            self.resource_transfer,
            self.resource_transfer,
            self.resource_deposit,
            self.resource_withdraw,
            self.queued_transfer,
            self.queued_withdrawal,
            self.credit,
            self.credit,
            self.spend,
            self.intake_one,
            self.intake_many,
            self.intake_many,
        ]

    def draw(self, chance: random.Random) -> Operation:
        """Return an operation that nobody has sent yet."""
        operation = chance.choice(self._drawn)(chance)
        # Some callers have no key: they learn less, and nothing may happen twice to them either.
        if not operation.key_in_body and chance.random() < 0.04:  # noqa: PLR2004
            operation.has_key = False
        return operation

    # --- By token ---------------------------------------------------------------------------

    def deposit(self, chance: random.Random) -> Operation:
        client, minor = self._client(chance), _amount(chance)
        return self._make(
            "deposit",
            client,
            "/wallet/deposit",
            {"wallet": str(client.wallet), "amount": major(minor)},
            Effect("deposit", None, client.wallet, minor),
        )

    def withdraw(self, chance: random.Random) -> Operation:
        client, minor = self._client(chance), _amount(chance)
        return self._make(
            "withdraw",
            client,
            "/wallet/withdraw",
            {"wallet": str(client.wallet), "amount": major(minor)},
            Effect("withdrawal", client.wallet, None, minor),
            refusals=SHORT,
        )

    def transfer(self, chance: random.Random) -> Operation:
        source, target = chance.sample(self._cast.clients, 2)
        return self.transfer_between(source, source.wallet, target.wallet, _amount(chance))

    def bank_transfer(self, chance: random.Random) -> Operation:
        bank = self._cast.bank
        source, target = chance.sample(bank.wallets, 2)
        return self.transfer_between(bank, source, target, _amount(chance))

    def transfer_between(self, caller: Actor, source: UUID, target: UUID, minor: int) -> Operation:
        return self._make(
            "transfer",
            caller,
            "/wallet/transfer",
            {"source": str(source), "target": str(target), "amount": major(minor)},
            Effect("transfer", source, target, minor),
            refusals=SHORT,
        )

    def charge(self, chance: random.Random) -> Operation:
        return self.charge_of(chance.choice(self._cast.companies), self._payer(chance), chance)

    def charge_of(self, company: Actor, payer: UUID, chance: random.Random) -> Operation:
        minor = _amount(chance)
        return self._make(
            "charge",
            company,
            "/wallet/charge",
            {"wallet": str(payer), "amount": major(minor), "summary": "charge"},
            Effect("charge", payer, company.wallet, minor),
            refusals=SHORT,
        )

    def charges(self, chance: random.Random) -> Operation:
        company = chance.choice(self._cast.companies)
        payers = [self._payer(chance) for _ in range(chance.randint(2, LARGEST_BATCH))]
        effects = [Effect("charge", payer, company.wallet, _amount(chance)) for payer in payers]
        operation = self._make("charges", company, "/wallet/charges", {}, *effects)
        operation.body = {
            "charges": [
                {
                    "wallet": str(effect.source),
                    "amount": major(effect.amount_minor),
                    "summary": f"{operation.id}/{place}",
                }
                for place, effect in enumerate(effects)
            ]
        }
        return operation

    def refund(self, chance: random.Random) -> Operation:
        # Lists only grow, so a length read before is a length still.
        known = len(self._log.charges)
        if not known:
            return self.charge(chance)
        charged = self._log.charges[chance.randrange(known)]
        return self.refund_of(charged, chance.randint(1, charged.amount_minor))

    def refund_of(self, charged: Charged, minor: int) -> Operation:
        return self._make(
            "refund",
            Actor(charged.transaction, charged.token),
            "/wallet/refund",
            {"transaction": str(charged.transaction), "amount": major(minor)},
            Effect(
                "refund",
                charged.company_wallet,
                charged.payer_wallet,
                minor,
                origin=charged.transaction,
            ),
            refusals=SHORT | {"refund_exceeds_charge"},
        )

    # --- As resources -----------------------------------------------------------------------

    def open_with_deposit(self, chance: random.Random) -> Operation:
        client, minor = self._client(chance), _amount(chance)
        operation = self._make(
            "open with a deposit",
            client,
            "/wallets",
            {"balance": major(minor)},
            Effect("deposit", None, OPENED, minor),
            refusals=frozenset({"wallet_limit_reached"}),
        )
        operation.status = 201
        return operation

    def fund(self, chance: random.Random) -> Operation:
        client, minor = self._client(chance), _amount(chance)
        operation = self._make(
            "fund",
            client,
            "/wallets/fund",
            {"wallet_id": str(client.wallet), "amount": major(minor)},
            Effect("deposit", None, client.wallet, minor),
        )
        return _keyed_in_body(operation, "idempotencyKey")

    def resource_transfer(self, chance: random.Random) -> Operation:
        source, target = chance.sample(self._cast.clients, 2)
        minor = _amount(chance)
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
        client, minor = self._client(chance), _amount(chance)
        return self._make(
            "deposit (resource)",
            client,
            f"/wallets/{client.wallet}/deposit",
            {"amount": major(minor)},
            Effect("deposit", None, client.wallet, minor),
        )

    def resource_withdraw(self, chance: random.Random) -> Operation:
        client, minor = self._client(chance), _amount(chance)
        return self._make(
            "withdraw (resource)",
            client,
            f"/wallets/{client.wallet}/withdraw",
            {"amount": major(minor)},
            Effect("withdrawal", client.wallet, None, minor),
            refusals=SHORT,
        )

    def queued_transfer(self, chance: random.Random) -> Operation:
        operation = self.resource_transfer(chance)
        operation.name = "transfer (respond-async)"
        return _queued(operation)

    def queued_withdrawal(self, chance: random.Random) -> Operation:
        operation = self.resource_withdraw(chance)
        operation.name = "withdraw (respond-async)"
        operation.refusals = frozenset()
        return _queued(operation)

    # --- Credits ----------------------------------------------------------------------------

    def credit(self, chance: random.Random) -> Operation:
        player, minor = chance.choice(self._cast.players), _amount(chance)
        kind = chance.choice(("topup", "bonus"))
        return self._make(
            kind,
            self._cast.operator,
            f"/api/v1/wallet/{kind}",
            {"userId": str(player.id), "assetSymbol": GOLD, "amount": major(minor)},
            Effect(kind, None, player.wallet, minor),
        )

    def spend(self, chance: random.Random) -> Operation:
        player, minor = chance.choice(self._cast.players), _amount(chance)
        return self._make(
            "spend",
            player,
            "/api/v1/wallet/spend",
            {"userId": str(player.id), "assetSymbol": GOLD, "amount": major(minor)},
            Effect("spend", player.wallet, None, minor),
            refusals=SHORT,
        )

    # --- Intake -----------------------------------------------------------------------------

    def intake_one(self, chance: random.Random) -> Operation:
        client = self._client(chance)
        effect = self._queued_effect(client, chance)
        operation = self._make("intake, one", client, "/transaction", {}, effect)
        operation.body = self._item(operation, 0, effect)
        operation.status, operation.is_queued = 202, True
        return operation

    def intake_many(self, chance: random.Random) -> Operation:
        payers = [self._client(chance) for _ in range(chance.randint(2, LARGEST_BATCH))]
        effects = [self._queued_effect(payer, chance) for payer in payers]
        operation = self._make("intake, array", self._cast.operator, "/transaction", {}, *effects)
        operation.body = [
            {**self._item(operation, place, effect), "customer": str(payer.id)}
            for place, (payer, effect) in enumerate(zip(payers, effects, strict=True))
        ]
        operation.status, operation.is_queued = 202, True
        return operation

    def _queued_effect(self, payer: Actor, chance: random.Random) -> Effect:
        target = self._client(chance)
        if target is payer or chance.random() < 0.5:  # noqa: PLR2004
            return Effect("spend", payer.wallet, None, _amount(chance))
        return Effect("transfer", payer.wallet, target.wallet, _amount(chance))

    def _item(self, operation: Operation, place: int, effect: Effect) -> dict[str, object]:
        item: dict[str, object] = {
            "value": major(effect.amount_minor),
            "latency": 20,
            "description": f"{operation.id}/{place}",
        }
        return item if effect.target is None else {**item, "target": str(effect.target)}

    # --- What they have in common -------------------------------------------------------------

    def _client(self, chance: random.Random) -> Actor:
        return chance.choice(self._cast.clients)

    def _payer(self, chance: random.Random) -> UUID:
        return self._client(chance).wallet

    def _make(
        self,
        name: str,
        caller: Actor,
        path: str,
        body: dict[str, object],
        *effects: Effect,
        refusals: frozenset[str] = frozenset(),
    ) -> Operation:
        return Operation(
            self._log.new_id(), name, caller.token, path, body, tuple(effects), refusals=refusals
        )


def _amount(chance: random.Random) -> int:
    return chance.choice((1, 25, 100, 250, 999))


def _keyed_in_body(operation: Operation, field: str) -> Operation:
    operation.body[field] = operation.id
    operation.key_in_body = True
    return operation


def _queued(operation: Operation) -> Operation:
    operation.headers["Prefer"] = "respond-async"
    operation.body["description"] = f"{operation.id}/0"
    operation.refusals = frozenset()
    operation.status, operation.is_queued = 202, True
    return operation
