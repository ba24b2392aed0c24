"""What the API answers is what it answered when it was recorded, but for ids and times.

Each scenario calls the API over HTTP and compares all answers, bodies and headers, with its file in
`answers`. Whoever changes an answer on purpose records anew, reads the difference in Git, and
commits it with the change:

    RECORD_ANSWERS=1 .venv/bin/python -m pytest tests/recorded -n 0
"""

import os
from collections.abc import Callable
from typing import Any

import pytest
from pytest_django import Settings

from tests.clock import Clock
from tests.http_client import Api
from tests.recorded import (
    scenarios_accounts,
    scenarios_companies,
    scenarios_credits,
    scenarios_holds,
    scenarios_operators,
    scenarios_paying,
    scenarios_payments,
    scenarios_refused,
    scenarios_resources,
    scenarios_service,
    scenarios_splits,
    scenarios_trades,
    scenarios_wallets,
)
from tests.recorded.recording import ANSWERS, Tape, difference, difference_of_text, path_of, record
from tests.recorded.writing import read, written

pytestmark = pytest.mark.usefixtures("books")

RECORDS = os.environ.get("RECORD_ANSWERS") == "1"
MODULES = (
    scenarios_accounts,
    scenarios_companies,
    scenarios_credits,
    scenarios_holds,
    scenarios_operators,
    scenarios_paying,
    scenarios_payments,
    scenarios_refused,
    scenarios_resources,
    scenarios_service,
    scenarios_splits,
    scenarios_trades,
    scenarios_wallets,
)
SCENARIOS: tuple[Callable[[Tape], None], ...] = tuple(
    scenario for module in MODULES for scenario in module.SCENARIOS
)
HOW = "\nIs it meant to be so? The docstring of tests/recorded/test_answers.py tells what to do."


@pytest.fixture
def tape(books: None, settings: Settings, clock: Clock) -> Tape:
    """A tape; nothing that a scenario calls is limited, and no hash takes long."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    blank = Tape(settings, clock)
    blank.limit(**dict.fromkeys(settings.RATE_LIMITS, 1_000))
    return blank


@pytest.mark.parametrize("play", SCENARIOS, ids=lambda play: str(play.__name__))
def test_each_answer_is_as_recorded(play: Callable[[Tape], None], tape: Tape) -> None:
    play(tape)

    if RECORDS:
        record(play.__name__, tape.calls)
    changed = difference(play.__name__, tape.calls)
    assert not changed, changed + HOW


#: Scenarios in which money moves by one statement where it can.
MOVING = (
    "addresses_named",
    "amounts_spelled",
    "cash_of_operators",
    "cash_by_token",
    "charges",
    "credits_moved",
    "dry_runs",
    "fees_of_companies",
    "fees_returned",
    "histories",
    "holds_by_pay_token",
    "holds_captured",
    "holds_ended",
    "holds_made",
    "keys_looked_up",
    "own_wallets_frozen",
    "pay_tokens_spent",
    "payment_requests_paid",
    "refunds",
    "resource_transfers",
    "resources_filled",
    "splits_of_charges",
    "splits_of_payment_requests",
    "trades",
    "transfers_by_token",
    "wallets_that_are_full",
    "who_may_charge",
)


@pytest.mark.parametrize("name", MOVING)
def test_each_answer_is_the_same_without_the_fast_path(
    name: str, tape: Tape, settings: Settings
) -> None:
    settings.FAST_PATH = False
    [play] = [scenario for scenario in SCENARIOS if scenario.__name__ == name]

    play(tape)

    changed = difference(name, tape.calls)
    assert not changed, changed


def test_schema_is_as_recorded(api: Api) -> None:
    schema: dict[str, Any] = read(api.get("/api/schema").raw.decode())
    del schema["info"]["version"]
    text = written(schema)

    if RECORDS:
        path_of("schema").write_text(text, "utf-8")
    changed = difference_of_text("schema", text)
    assert not changed, changed + HOW


@pytest.mark.skipif(RECORDS, reason="not all are written yet")
def test_every_file_is_of_a_scenario() -> None:
    files = {path.stem for path in ANSWERS.iterdir()}

    assert files == {play.__name__ for play in SCENARIOS} | {"schema"}
