"""The ledger against a model of it in plain Python: any batches, the same outcomes and history."""

from dataclasses import dataclass, field
from enum import Enum, auto
from uuid import UUID

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from core.unit_of_work import unit_of_work
from ledger.history import history
from ledger.kinds import FailureCode, Kind
from ledger.models import Direction
from ledger.orders import Order, Outcome
from ledger.post import post
from tests.factories import UserFactory
from wallets.assets import system_wallet_id
from wallets.models import Purpose, Status, Wallet
from wallets.services import open_cash_wallet

pytestmark = pytest.mark.usefixtures("books")

WALLETS = 4
MAX_BALANCE = 9 * 10**18
MAX_BIGINT = 2**63 - 1
WORLD = system_wallet_id("USD", Purpose.FUNDING)


class Relative(Enum):
    """An amount that depends on what the source has just then."""

    ALL = auto()
    ALL_AND_ONE = auto()


#: (kind, wallet, distance to the other wallet, amount); deposits and withdrawals have no other.
Draft = tuple[Kind, int, int, int | Relative]
#: (transaction, direction, kind, amount, balance after, version, failure), as history shows it.
Row = tuple[UUID, str, str, int, int | None, int | None, str | None]

amounts = st.one_of(
    st.integers(1, 100),
    st.sampled_from(Relative),
    st.sampled_from((MAX_BALANCE - 50, MAX_BALANCE, MAX_BALANCE + 1, MAX_BIGINT)),
)
drafts = st.tuples(
    st.sampled_from((Kind.DEPOSIT, Kind.DEPOSIT, Kind.WITHDRAWAL, Kind.TRANSFER, Kind.CHARGE)),
    st.integers(0, WALLETS - 1),
    st.integers(1, WALLETS - 1),
    amounts,
)


@dataclass
class ModelWallet:
    id: UUID
    balance: int = 0
    version: int = 0
    status: Status = Status.ACTIVE
    rows: list[Row] = field(default_factory=list)

    def move(self, amount: int) -> None:
        self.balance += amount
        self.version += 1


@dataclass(frozen=True)
class Expected:
    """An order, what should become of it, and the two wallets' states right after it."""

    order: Order
    source: ModelWallet | None
    target: ModelWallet | None
    failure: FailureCode | None
    available: int | None
    source_after: tuple[int | None, int | None]
    target_after: tuple[int | None, int | None]

    def rows(self, transaction: UUID) -> list[tuple[ModelWallet, Row]]:
        sides = (
            (self.source, Direction.DEBIT, self.source_after),
            (self.target, Direction.CREDIT, self.target_after),
        )
        order = self.order
        return [
            (
                wallet,
                (transaction, direction, order.kind, order.amount_minor, *after, self.failure),
            )
            for wallet, direction, after in sides
            if wallet is not None
        ]


class Ledger(RuleBasedStateMachine):
    """What `post` promises, written down a second time without a database."""

    wallets: list[ModelWallet]

    @initialize()
    def open_wallets(self) -> None:
        owner = UserFactory.create()
        opened = unit_of_work(
            lambda: [open_cash_wallet(owner, "USD") for _ in range(WALLETS)],
        )
        self.wallets = [ModelWallet(wallet.id) for wallet in opened]

    @rule(batch=st.lists(drafts, min_size=1, max_size=8))
    def post_batch(self, batch: list[Draft]) -> None:
        expected = [self._decide(draft) for draft in batch]

        outcomes = unit_of_work(lambda: post([one.order for one in expected]))

        assert [_outcome(outcome) for outcome in outcomes] == [
            (one.failure, one.source_after[0], one.target_after[0], one.available)
            for one in expected
        ]
        for one, outcome in zip(expected, outcomes, strict=True):
            for wallet, row in one.rows(outcome.transaction_id):
                wallet.rows.insert(0, row)

    @rule(index=st.integers(0, WALLETS - 1), status=st.sampled_from((Status.FROZEN, Status.CLOSED)))
    def stop(self, index: int, status: Status) -> None:
        if self.wallets[index].status is not Status.CLOSED:
            self._set_status(self.wallets[index], status)

    @precondition(lambda self: any(w.status is Status.FROZEN for w in self.wallets))
    @rule(data=st.data())
    def start_again(self, data: st.DataObject) -> None:
        stopped = [w for w in self.wallets if w.status is Status.FROZEN]
        index = data.draw(st.integers(0, len(stopped) - 1))
        self._set_status(stopped[index], Status.ACTIVE)

    @invariant()
    def wallets_agree(self) -> None:
        ids = [wallet.id for wallet in self.wallets]
        stored = Wallet.objects.in_bulk(ids)
        assert [(stored[id_].balance_minor, stored[id_].version) for id_ in ids] == [
            (wallet.balance, wallet.version) for wallet in self.wallets
        ]

    @invariant()
    def histories_agree(self) -> None:
        for wallet in self.wallets:
            entries = history(wallet.id, limit=1_000).entries
            assert wallet.rows == [
                (
                    entry.transaction_id,
                    entry.direction,
                    entry.kind,
                    entry.amount_minor,
                    entry.balance_after_minor,
                    entry.version,
                    entry.failure_code,
                )
                for entry in entries
            ]

    def _decide(self, draft: Draft) -> Expected:
        kind, index, distance, drawn = draft
        wallet = self.wallets[index]
        other = self.wallets[(index + distance) % WALLETS]
        source = None if kind is Kind.DEPOSIT else wallet
        target = {Kind.DEPOSIT: wallet, Kind.WITHDRAWAL: None}.get(kind, other)
        amount = _amount(drawn, source)
        available = source.balance if source else None
        failure = _failure(source, target, amount)
        if failure is None:
            if source:
                source.move(-amount)
            if target:
                target.move(amount)
        sides = (source.id if source else WORLD, target.id if target else WORLD)
        order = Order(kind, *sides, amount, "USD")
        return Expected(
            order,
            source,
            target,
            failure,
            available,
            source_after=_after(source, failure),
            target_after=_after(target, failure),
        )

    def _set_status(self, wallet: ModelWallet, status: Status) -> None:
        unit_of_work(lambda: Wallet.objects.filter(pk=wallet.id).update(status=status))
        wallet.status = status


def test_post_does_what_a_model_in_plain_python_does() -> None:
    run_state_machine_as_test(
        Ledger,
        settings=settings(
            max_examples=30,
            stateful_step_count=10,
            deadline=None,
            # Against a database, making a failure smaller takes minutes: ask for it when you need
            # it, by leaving this line out.
            phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.target],
        ),
    )


def _amount(drawn: int | Relative, source: ModelWallet | None) -> int:
    if isinstance(drawn, int):
        return drawn
    has = source.balance if source else 0
    return max(1, has + (drawn is Relative.ALL_AND_ONE))


def _failure(
    source: ModelWallet | None, target: ModelWallet | None, amount: int
) -> FailureCode | None:
    """Return the first thing that is wrong, in the order of precedence."""
    if any(wallet and wallet.status is not Status.ACTIVE for wallet in (source, target)):
        return FailureCode.WALLET_NOT_ACTIVE
    if source and source.balance < amount:
        return FailureCode.INSUFFICIENT_FUNDS
    if target and target.balance + amount > MAX_BALANCE:
        return FailureCode.BALANCE_LIMIT
    return None


def _after(
    wallet: ModelWallet | None, failure: FailureCode | None
) -> tuple[int | None, int | None]:
    if wallet is None or failure is not None:
        return None, None
    return wallet.balance, wallet.version


def _outcome(outcome: Outcome) -> tuple[FailureCode | None, int | None, int | None, int | None]:
    return (
        outcome.failure,
        outcome.source_balance_minor,
        outcome.target_balance_minor,
        outcome.available_minor,
    )
