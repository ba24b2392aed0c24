"""Nothing that begins after an acknowledged revocation succeeds.

Revoked are sessions, accounts, wallets (frozen), pay tokens, approvals, and charges by the token.
"""

import random
from uuid import UUID

from django.db import connection

from core.errors import Unavailable
from core.unit_of_work import unit_of_work
from harness.actors import Actor
from harness.waiting import poll
from prove.actors import Actors
from prove.load import SideTask
from prove.operation_mix import OperationMix
from prove.operations import Log, Operation
from prove.sender import Sender
from wallets.models import Status
from wallets.services import set_status

#: PostgreSQL may be away for a while.
PATIENCE_SECONDS = 60
AMOUNT_MINOR = 100


class Revocations:
    """Side tasks. Each takes an actor that no other caller uses, and revokes something of it."""

    def __init__(self, actors: Actors, log: Log, mix: OperationMix) -> None:
        self._actors = actors
        self._log = log
        self._mix = mix

    @property
    def side_tasks(self) -> tuple[SideTask, ...]:
        return (self.log_out, self.delete, self.freeze, self.revoke_pay_token, self.disallow)

    def log_out(self, sender: Sender, chance: random.Random) -> None:
        """End a session; then deposit with its token."""
        session = next(self._actors.to_log_out, None)
        if session is None:
            return
        self._run(sender, self._end(session, "log-out", "POST", "/client/logout"))
        self._expect_refusal(sender, self._mix.deposit_of(session, AMOUNT_MINOR))

    def delete(self, sender: Sender, chance: random.Random) -> None:
        """Delete an account; then deposit with its token, and charge its wallet."""
        client = next(self._actors.to_delete, None)
        if client is None:
            return
        self._run(sender, self._end(client, "deletion", "DELETE", f"/customer/{client.id}"))
        self._expect_refusal(sender, self._mix.deposit_of(client, AMOUNT_MINOR))
        self._expect_refusal(sender, self._charge(client, chance))

    def freeze(self, sender: Sender, chance: random.Random) -> None:
        """Freeze a wallet; then charge it, withdraw and deposit; then make it active again."""
        client = next(self._actors.to_freeze, None)
        if client is None:
            return
        self._run(sender, self._mix.deposit_of(client, AMOUNT_MINOR))
        self._set_status(client.wallet, Status.FROZEN)
        self._expect_refusal(sender, self._charge(client, chance))
        self._expect_refusal(sender, self._mix.withdrawal_of(client, AMOUNT_MINOR))
        self._expect_refusal(sender, self._mix.deposit_of(client, AMOUNT_MINOR))
        self._set_status(client.wallet, Status.ACTIVE)
        self._run(sender, self._mix.deposit_of(client, AMOUNT_MINOR))

    def revoke_pay_token(self, sender: Sender, chance: random.Random) -> None:
        """Revoke a pay token for several uses after the first; then charge by it."""
        company = chance.choice(self._actors.companies)
        safe = self._mix.safe
        made = safe.pay_token_of(chance.choice(self._actors.limited), uses=3)
        self._run(sender, made)
        if not made.is_done:
            return
        self._run(sender, safe.charge_by(made, company, AMOUNT_MINOR))
        self._run(sender, safe.revocation_of(made))
        self._expect_refusal(sender, safe.charge_by(made, company, AMOUNT_MINOR))

    def disallow(self, sender: Sender, chance: random.Random) -> None:
        """Take each permission to charge a wallet by its token back, and charge it after that."""
        client = next(self._actors.to_disallow, None)
        if client is None:
            return
        company = chance.choice(self._actors.companies)
        safe = self._mix.safe

        def charge() -> Operation:
            return self._mix.charge_of(company, client.wallet, AMOUNT_MINOR)

        self._run(sender, charge())
        self._run(sender, safe.charges_of(client, "approved"))
        self._expect_refusal(sender, charge())
        # What was charged without an approval counts for the day as well.
        approval = safe.approval_of(
            client, company, most=AMOUNT_MINOR, most_per_day=2 * AMOUNT_MINOR
        )
        self._run(sender, approval)
        self._run(sender, charge())
        self._run(sender, safe.revocation_of(approval))
        self._expect_refusal(sender, charge())
        self._run(sender, safe.charges_of(client, "open"))
        self._run(sender, charge())
        self._run(sender, safe.charges_of(client, "paytoken"))
        self._expect_refusal(sender, charge())

    def _run(self, sender: Sender, operation: Operation) -> None:
        self._log.begin(operation)
        # Another worker may have cached what was revoked.
        sender.connect_anew()
        sender.settle(operation)

    def _expect_refusal(self, sender: Sender, operation: Operation) -> None:
        operation.must_fail, operation.is_kept = True, False
        self._run(sender, operation)

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

    def _charge(self, payer: Actor, chance: random.Random) -> Operation:
        company = chance.choice(self._actors.companies)
        return self._mix.charge_of(company, payer.wallet, AMOUNT_MINOR)

    def _set_status(self, wallet_id: UUID, status: Status) -> None:
        """Set the status without HTTP, as the admin does, however long it takes."""

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

        if not poll(is_set, seconds=PATIENCE_SECONDS):
            self._log.violate("settled", f"wallet {wallet_id} cannot be set {status}")
