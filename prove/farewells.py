"""Nothing that begins after an acknowledged freeze, log-out or deletion succeeds."""

import random
from collections.abc import Callable, Iterator
from uuid import UUID

from django.db import connection

from core.errors import Unavailable
from core.unit_of_work import unit_of_work
from prove.actors import Actor, Cast, major
from prove.load import Sender
from prove.operations import Effect, Log, Operation
from prove.waiting import wait_until
from wallets.models import Status
from wallets.services import set_status

Farewell = Callable[[Sender, random.Random], None]
#: PostgreSQL may be away for a while.
PATIENCE_SECONDS = 60


class Farewells:
    """Each of them takes an actor that nobody else uses, and says goodbye in one way."""

    def __init__(self, cast: Cast, log: Log) -> None:
        self._cast = cast
        self._log = log

    @property
    def errands(self) -> tuple[Farewell, ...]:
        return (self.log_out, self.leave, self.freeze)

    def log_out(self, sender: Sender, chance: random.Random) -> None:
        """End a session; then deposit with its token."""
        session = _next(self._cast.sessions)
        if session is None:
            return
        self._run(sender, self._end(session, "log-out", "POST", "/client/logout"))
        self._run(sender, self._deposit(session, must_fail=True))

    def leave(self, sender: Sender, chance: random.Random) -> None:
        """Delete an account; then deposit with its token, and charge its wallet."""
        leaver = _next(self._cast.leavers)
        if leaver is None:
            return
        path = f"/customer/{leaver.id}"
        self._run(sender, self._end(leaver, "deletion", "DELETE", path))
        self._run(sender, self._deposit(leaver, must_fail=True))
        self._run(sender, self._charge(leaver, chance))

    def freeze(self, sender: Sender, chance: random.Random) -> None:
        """Freeze a wallet; then charge it, withdraw and deposit; then set it free again."""
        frozen = _next(self._cast.freezers)
        if frozen is None:
            return
        self._run(sender, self._deposit(frozen))
        self._set(frozen.wallet, Status.FROZEN)
        self._run(sender, self._charge(frozen, chance))
        self._run(sender, self._withdrawal(frozen))
        self._run(sender, self._deposit(frozen, must_fail=True))
        self._set(frozen.wallet, Status.ACTIVE)
        self._run(sender, self._deposit(frozen))

    def _run(self, sender: Sender, operation: Operation) -> None:
        self._log.begin(operation)
        # No worker may remember what another one has been told to forget.
        sender.connect_anew()
        sender.settle(operation)

    def _end(self, actor: Actor, name: str, method: str, path: str) -> Operation:
        return Operation(
            self._log.new_id(),
            name,
            actor.token,
            path,
            None,
            method=method,
            status=204,
            # Sent again after its answer was lost, it finds that the token is dead.
            refusals=frozenset({"invalid_token"}),
            is_kept=False,
        )

    def _deposit(self, actor: Actor, *, must_fail: bool = False) -> Operation:
        effect = Effect("deposit", None, actor.wallet, 100)
        return self._cash(actor, "deposit", effect, must_fail=must_fail)

    def _withdrawal(self, actor: Actor) -> Operation:
        effect = Effect("withdrawal", actor.wallet, None, 100)
        return self._cash(actor, "withdraw", effect, must_fail=True)

    def _cash(self, actor: Actor, name: str, effect: Effect, *, must_fail: bool) -> Operation:
        return Operation(
            self._log.new_id(),
            name,
            actor.token,
            f"/wallet/{name}",
            {"wallet": str(actor.wallet), "amount": major(effect.amount_minor)},
            (effect,),
            must_fail=must_fail,
            is_kept=not must_fail,
        )

    def _charge(self, payer: Actor, chance: random.Random) -> Operation:
        company = chance.choice(self._cast.companies)
        return Operation(
            self._log.new_id(),
            "charge",
            company.token,
            "/wallet/charge",
            {"wallet": str(payer.wallet), "amount": major(100), "summary": "after a farewell"},
            (Effect("charge", payer.wallet, company.wallet, 100),),
            must_fail=True,
            is_kept=False,
        )

    def _set(self, wallet_id: UUID, status: Status) -> None:
        """Set the status past HTTP, as the admin does, however long it takes."""

        def is_set() -> bool:
            try:
                unit_of_work(
                    lambda: set_status(wallet_id, status=status, reason="A proof", actor=None)
                )
            except Unavailable:
                return False
            finally:
                connection.close()
            return True

        if not wait_until(is_set, seconds=PATIENCE_SECONDS):
            self._log.violate("settled", f"wallet {wallet_id} cannot be set {status}")


def _next(actors: Iterator[Actor]) -> Actor | None:
    # One generator for all threads: a list's iterator may be shared.
    return next(actors, None)
