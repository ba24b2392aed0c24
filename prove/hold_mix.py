"""Operations of holds and of groups, drawn at random: captures, splits, trades; and dry runs.

Most are about a hold that was placed a moment ago, so that a capture, a void and an increment meet.
"""

import random
from typing import Any
from uuid import UUID

from harness.actors import Actor
from prove.actors import GOLD, Actors, draw_amount, major
from prove.operations import CAPTURE, DRY_RUN, HOLD, PAY_TOKEN, SPLIT, Effect, Log, Operation
from prove.safe_mix import NO_USE, RECENT, SHORT, Maker

_ENDED = frozenset({"hold_not_active", "hold_expired"})
_SPLITS = frozenset({"splits_exceed_amount", "same_wallet"})
#: The shortest time of a hold.
SHORTEST_SECONDS = 60
#: How often what can be tried in a dry run is.
DRY = 0.1
MOST_SPLITS, MOST_TRADES = 3, 4


class HoldMix:
    """Makes operations for the actors. What it draws depends on the chance that it is given."""

    def __init__(self, actors: Actors, log: Log) -> None:
        self._actors = actors
        self._log = log

    @property
    def makers(self) -> list[Maker]:
        """Return what makes an operation, each as often as it is to be drawn."""
        return [
            *[self._perhaps_dry(self.hold)] * 3,
            *[self._perhaps_dry(self.capture)] * 3,
            *[self._perhaps_dry(self.split_charge)] * 2,
            *[self._perhaps_dry(self.trades)] * 2,
            self._perhaps_dry(self.increment),
            self._perhaps_dry(self.void),
            self.hold_by_pay_token,
        ]

    def _perhaps_dry(self, maker: Maker) -> Maker:
        def make(chance: random.Random) -> Operation:
            operation = maker(chance)
            return dry(operation) if chance.random() < DRY else operation

        return make

    # --- Holds --------------------------------------------------------------------------------

    def hold(self, chance: random.Random) -> Operation:
        company = chance.choice(self._actors.companies)
        payer = chance.choice(self._actors.clients).wallet
        seconds = chance.choice((SHORTEST_SECONDS, 3_600))
        return self.hold_of(company, payer, draw_amount(chance), seconds)

    def hold_of(self, company: Actor, payer: UUID, minor: int, seconds: int) -> Operation:
        return self._place(company, payer, minor, SHORT, wallet=str(payer), expires_in=seconds)

    def hold_by_pay_token(self, chance: random.Random) -> Operation:
        recent = self._log.made[PAY_TOKEN][-RECENT:]
        if not recent:
            return self.hold(chance)
        made = chance.choice(recent)
        shown = _shown(made)
        operation = self._place(
            chance.choice(self._actors.companies),
            UUID(shown["wallet"]),
            draw_amount(chance),
            SHORT | NO_USE,
            paytoken=shown["paytoken"],
            expires_in=SHORTEST_SECONDS,
        )
        operation.must_fail = made.id in self._log.revoked
        return operation

    def _place(
        self, company: Actor, payer: UUID, minor: int, refusals: frozenset[str], **more: object
    ) -> Operation:
        effect = Effect("hold", payer, company.wallet, minor)
        operation = self._make(
            HOLD,
            company.token,
            "/holds",
            {"amount": major(minor), **more},
            effect,
            refusals=refusals | {"hold_limit_reached"},
            status=201,
        )
        # The release of one that expires carries its summary, and no request.
        operation.body["summary"] = f"{operation.id}/0"
        return operation

    def increment(self, chance: random.Random) -> Operation:
        made = self._recent(chance)
        return self.hold(chance) if made is None else self.increment_of(made, draw_amount(chance))

    def increment_of(self, made: Operation, minor: int) -> Operation:
        """Hold more by the hold that an operation has placed."""
        [held] = made.effects
        return self._make(
            "hold incremented",
            made.token,
            f"{_path(made)}/increment",
            {"amount": major(minor)},
            Effect("hold", held.source, held.target, minor),
            refusals=SHORT | _ENDED | {"paytoken_exceeded"},
        )

    def capture(self, chance: random.Random) -> Operation:
        made = self._recent(chance)
        if made is None:
            return self.hold(chance)
        minor = chance.randint(1, made.effects[0].amount_minor)
        operation = self.capture_of(made, minor, is_final=chance.choice((True, True, False)))
        if chance.choice((True, False)):
            self._split(operation, chance)
        return operation

    def capture_of(self, made: Operation, minor: int, *, is_final: bool = True) -> Operation:
        """Take a part of the hold that an operation has placed."""
        [held] = made.effects
        return self._make(
            CAPTURE,
            made.token,
            f"{_path(made)}/capture",
            {"amount": major(minor), "final": is_final},
            Effect("capture", held.source, held.target, minor),
            refusals=SHORT | _ENDED | {"capture_exceeds_hold"},
        )

    def void(self, chance: random.Random) -> Operation:
        made = self._recent(chance)
        return self.hold(chance) if made is None else self.void_of(made)

    def void_of(self, made: Operation) -> Operation:
        """Give back what is left of the hold that an operation has placed."""
        return self._make("hold voided", made.token, f"{_path(made)}/void", {}, refusals=_ENDED)

    # --- Groups -------------------------------------------------------------------------------

    def split_charge(self, chance: random.Random) -> Operation:
        company, minor = chance.choice(self._actors.companies), draw_amount(chance)
        payer = chance.choice(self._actors.clients).wallet
        operation = self._make(
            SPLIT,
            company.token,
            "/wallet/charge",
            {"wallet": str(payer), "amount": major(minor), "summary": "charge"},
            Effect("charge", payer, company.wallet, minor),
            refusals=SHORT,
        )
        self._split(operation, chance)
        return operation

    def _split(self, operation: Operation, chance: random.Random) -> None:
        """Let parts of what a charge or a capture takes go on; perhaps more than there is."""
        [taken] = operation.effects
        others = [each.wallet for each in self._actors.clients if each.wallet != taken.source]
        parts = [
            Effect("split", taken.target, chance.choice(others), chance.randint(1, 100))
            for _ in range(chance.randint(1, MOST_SPLITS))
        ]
        operation.effects = (taken, *parts)
        operation.refusals |= _SPLITS
        operation.body["splits"] = [
            {"wallet": str(part.target), "amount": major(part.amount_minor)} for part in parts
        ]

    def trades(self, chance: random.Random) -> Operation:
        kinds = ("topup", "bonus", "spend", "transfer")
        drawn = []
        for _ in range(chance.randint(2, MOST_TRADES)):
            player, other = chance.sample(self._actors.players, 2)
            drawn.append((chance.choice(kinds), player, other, draw_amount(chance)))
        return self.trades_of(*drawn)

    def trades_of(self, *drawn: tuple[str, Actor, Actor, int]) -> Operation:
        """Make a group of credits: the kind, whose, to whom if it is a transfer, and how much."""
        items: list[dict[str, object]] = []
        effects: list[Effect] = []
        for kind, player, other, minor in drawn:
            to = {"toUserId": str(other.id)} if kind == "transfer" else {}
            amount = {"assetSymbol": GOLD, "amount": major(minor)}
            items.append({"type": kind, "userId": str(player.id), **to, **amount})
            is_credit = kind in ("topup", "bonus")
            source = None if is_credit else player.wallet
            target = player.wallet if is_credit else other.wallet if to else None
            effects.append(Effect(kind, source, target, minor))
        return self._make(
            "trades",
            self._actors.operator.token,
            "/api/v1/wallet/group",
            {"operations": items},
            *effects,
            refusals=SHORT,
        )

    # --- What they have in common -------------------------------------------------------------

    def _recent(self, chance: random.Random) -> Operation | None:
        recent = self._log.made[HOLD][-RECENT:]
        return chance.choice(recent) if recent else None

    def _make(
        self, name: str, token: str, path: str, body: Any, *effects: Effect, **more: Any
    ) -> Operation:
        return Operation(self._log.new_id(), name, token, path, body, effects, **more)


def dry(operation: Operation) -> Operation:
    """Turn an operation into one that is only tried: no row, and nothing under its key."""
    operation.name = DRY_RUN
    operation.headers["Dry-Run"] = "true"
    operation.effects, operation.is_kept = (), False
    operation.refusals |= {"too_many_failed_attempts"}
    return operation


def _shown(made: Operation) -> Any:
    assert made.answer is not None
    return made.answer.json


def _path(made: Operation) -> str:
    return f"/holds/{_shown(made)['hold']}"
