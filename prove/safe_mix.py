"""Operations of paying safely, drawn at random: pay tokens, approvals and payment requests.

Most are about what was made a moment ago, so that callers meet: two on the last use of a pay token,
two payers of a request, a payment and a cancellation, a charge and a revocation.
"""

import random
from collections.abc import Callable
from typing import Any
from uuid import UUID

from harness.actors import Actor
from prove.actors import Actors, draw_amount, major
from prove.operations import (
    APPROVAL,
    BY_PAY_TOKEN,
    PAY_TOKEN,
    REQUEST,
    Effect,
    Log,
    Operation,
)

SHORT = frozenset({"insufficient_funds"})
NOT_ALLOWED = frozenset({"charge_not_approved", "approval_exceeded"})
_ENDED = frozenset({"payment_request_paid", "payment_request_expired", "payment_request_cancelled"})
NO_USE = frozenset(
    {
        "not_found",
        "paytoken_other_company",
        "paytoken_expired",
        "paytoken_used",
        "paytoken_exceeded",
    }
)
#: How many of the things that were made last are used.
RECENT = 8
LONG_SECONDS = 86_400
Maker = Callable[[random.Random], Operation]


class SafeMix:
    """Makes operations for the actors. What it draws depends on the chance that it is given."""

    def __init__(self, actors: Actors, log: Log) -> None:
        self._actors = actors
        self._log = log
        self._protected = [*actors.careful, *actors.limited[:-1]]

    @property
    def makers(self) -> list[Maker]:
        """Return what makes an operation, each as often as it is to be drawn."""
        return [
            *[self.pay_token] * 2,
            *[self.charge_by_pay_token] * 4,
            self.charges_by_pay_tokens,
            self.revoke_pay_token,
            self.approval,
            self.revoke_approval,
            self.change_charges,
            *[self.charge_protected] * 3,
            *[self.request] * 2,
            *[self.pay] * 4,
            self.cancel,
        ]

    # --- Pay tokens -------------------------------------------------------------------------

    def pay_token(self, chance: random.Random) -> Operation:
        """Make a pay token, for one use most often, perhaps with a cap and for one company."""
        client = chance.choice([*self._actors.clients, *self._protected])
        more: dict[str, object] = {}
        if chance.choice((True, False)):
            more["max_amount"] = major(draw_amount(chance))
        if chance.choice((True, False)):
            more["company"] = str(chance.choice(self._actors.companies).id)
        seconds = chance.choice((30, 300, LONG_SECONDS))
        uses = chance.choice((1, 1, 1, 2, 5))
        return self.pay_token_of(client, uses=uses, expires_in=seconds, **more)

    def pay_token_of(self, client: Actor, **more: object) -> Operation:
        return Operation(
            self._log.new_id(),
            PAY_TOKEN,
            client.token,
            "/paytokens",
            {"wallet": str(client.wallet), **more},
            status=201,
            refusals=frozenset({"paytoken_limit_reached"}),
            secrets=frozenset({"paytoken", "qr"}),
        )

    def charge_by_pay_token(self, chance: random.Random) -> Operation:
        made = self._recent(PAY_TOKEN, chance)
        if made is None:
            return self.pay_token(chance)
        return self.charge_by(made, chance.choice(self._actors.companies), draw_amount(chance))

    def charge_by(self, made: Operation, company: Actor, minor: int) -> Operation:
        """Charge by the pay token that an operation has made."""
        item, effect = self._charge_by(made, company, minor)
        operation = Operation(
            self._log.new_id(),
            BY_PAY_TOKEN,
            company.token,
            "/wallet/charge",
            {**item, "summary": "charge"},
            (effect,),
            refusals=SHORT | NO_USE,
        )
        operation.must_fail = made.id in self._log.revoked
        return operation

    def charges_by_pay_tokens(self, chance: random.Random) -> Operation:
        """Charge a batch by pay tokens of which some are the same."""
        made = self._recent(PAY_TOKEN, chance)
        if made is None:
            return self.pay_token(chance)
        company = chance.choice(self._actors.companies)
        recent = self._log.made[PAY_TOKEN][-RECENT:]
        charges = [
            self._charge_by(chance.choice(recent), company, draw_amount(chance))
            for _ in range(chance.randint(2, RECENT))
        ]
        operation_id = self._log.new_id()
        items = [
            {**item, "summary": f"{operation_id}/{position}"}
            for position, (item, _) in enumerate(charges)
        ]
        return Operation(
            operation_id,
            "charges by pay tokens",
            company.token,
            "/wallet/charges",
            {"charges": items},
            tuple(effect for _, effect in charges),
            is_partial=True,
        )

    def revoke_pay_token(self, chance: random.Random) -> Operation:
        made = self._recent(PAY_TOKEN, chance)
        return self.pay_token(chance) if made is None else self.revocation_of(made)

    def revocation_of(self, made: Operation) -> Operation:
        """Revoke the pay token or the approval that an operation has made."""
        is_approval = made.name == APPROVAL
        path = "/wallet/approvals" if is_approval else "/paytokens"
        return Operation(
            self._log.new_id(),
            f"{made.name} revoked",
            made.token,
            f"{path}/{_answer(made)['approval' if is_approval else 'id']}",
            None,
            method="DELETE",
            status=204,
            # Another caller may have revoked it, or this one, and the answer was lost.
            refusals=frozenset({"not_found"}),
            is_kept=False,
            revokes=made.id,
        )

    # --- Who may charge a wallet by its token -------------------------------------------------

    def approval(self, chance: random.Random) -> Operation:
        return self.approval_of(
            chance.choice(self._protected),
            chance.choice(self._actors.companies),
            most=chance.choice((100, 250, 999)),
            most_per_day=chance.choice((5_00, 50_00, 200_00, 500_00)),
        )

    def approval_of(
        self, client: Actor, company: Actor, *, most: int, most_per_day: int
    ) -> Operation:
        body = {
            "wallet": str(client.wallet),
            "company": str(company.id),
            "max_amount": major(most),
            "max_per_day": major(most_per_day),
        }
        return Operation(
            self._log.new_id(), APPROVAL, client.token, "/wallet/approvals", body, status=201
        )

    def revoke_approval(self, chance: random.Random) -> Operation:
        made = self._recent(APPROVAL, chance)
        return self.approval(chance) if made is None else self.revocation_of(made)

    def change_charges(self, chance: random.Random) -> Operation:
        client = chance.choice(self._actors.careful)
        return self.charges_of(client, chance.choice(("open", "approved", "approved", "paytoken")))

    def charges_of(self, client: Actor, charges: str) -> Operation:
        return Operation(
            self._log.new_id(),
            "charges changed",
            client.token,
            f"/wallet/info/{client.wallet}",
            {"charges": charges},
            method="PATCH",
            is_kept=False,
        )

    def charge_protected(self, chance: random.Random) -> Operation:
        client = chance.choice(self._protected)
        company = chance.choice(self._actors.companies)
        return self.protected_charge_of(client, company, draw_amount(chance))

    def protected_charge_of(self, client: Actor, company: Actor, minor: int) -> Operation:
        """Charge a wallet by its token, which its owner may not allow."""
        return Operation(
            self._log.new_id(),
            "charge, perhaps approved",
            company.token,
            "/wallet/charge",
            {"wallet": str(client.wallet), "amount": major(minor), "summary": "charge"},
            (Effect("charge", client.wallet, company.wallet, minor),),
            refusals=SHORT | NOT_ALLOWED,
        )

    # --- Payment requests -------------------------------------------------------------------

    def request(self, chance: random.Random) -> Operation:
        """Ask for money, as a company or a client, perhaps without an amount."""
        is_company = chance.choice((True, False))
        payee = chance.choice(self._actors.companies if is_company else self._actors.clients)
        more: dict[str, object] = {"tips": is_company and chance.choice((True, False))}
        if chance.choice((True, True, False)):
            more["amount"] = major(draw_amount(chance))
        return self.request_of(payee, expires_in=chance.choice((60, LONG_SECONDS)), **more)

    def request_of(self, payee: Actor, **more: object) -> Operation:
        operation_id = self._log.new_id()
        body = {
            "wallet": str(payee.wallet),
            "summary": "request",
            # So that one that was made twice is found.
            "reference": operation_id,
            **more,
        }
        return Operation(operation_id, REQUEST, payee.token, "/payment-requests", body, status=201)

    def pay(self, chance: random.Random) -> Operation:
        made = self._recent(REQUEST, chance)
        payer = chance.choice(self._actors.clients)
        if made is None or payer.token == made.token:
            return self.request(chance)
        tip = chance.choice((0, 25)) if _answer(made)["tips"] else 0
        return self.payment_of(made, payer, draw_amount(chance), tip)

    def payment_of(
        self, made: Operation, payer: Actor, minor: int, tip_minor: int = 0
    ) -> Operation:
        """Pay the request that an operation has made; `minor` only if it names no amount."""
        shown = _answer(made)
        body = {"wallet": str(payer.wallet)}
        if shown["amount"] is None:
            body["amount"] = major(minor)
        else:
            minor = round(shown["amount"] * 100)
        if tip_minor:
            body["tip"] = major(tip_minor)
        kind = "charge" if shown["payee"]["kind"] == "company" else "transfer"
        target = UUID(made.body["wallet"])
        return Operation(
            self._log.new_id(),
            f"payment ({kind})",
            payer.token,
            f"/payment-requests/{shown['id']}/pay",
            body,
            (Effect(kind, payer.wallet, target, minor + tip_minor),),
            refusals=SHORT | _ENDED,
        )

    def cancel(self, chance: random.Random) -> Operation:
        made = self._recent(REQUEST, chance)
        return self.request(chance) if made is None else self.cancellation_of(made)

    def cancellation_of(self, made: Operation) -> Operation:
        """Cancel the request that an operation has made."""
        return Operation(
            self._log.new_id(),
            "payment request cancelled",
            made.token,
            f"/payment-requests/{_answer(made)['id']}/cancel",
            {},
            refusals=_ENDED,
        )

    def _charge_by(
        self, made: Operation, company: Actor, minor: int
    ) -> tuple[dict[str, str], Effect]:
        shown = _answer(made)
        effect = Effect("charge", UUID(shown["wallet"]), company.wallet, minor)
        return {"paytoken": shown["paytoken"], "amount": major(minor)}, effect

    def _recent(self, name: str, chance: random.Random) -> Operation | None:
        recent = self._log.made[name][-RECENT:]
        return chance.choice(recent) if recent else None


def _answer(made: Operation) -> dict[str, Any]:
    assert made.answer is not None
    answer: dict[str, Any] = made.answer.json
    return answer
