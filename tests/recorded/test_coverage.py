"""What is on record covers the schema: each operation, each success, each code of a refusal.

What cannot be had in a test, or never, stands in one table, with the reason. What no operation of
the schema says (405 `method_not_allowed`, 400 `bad_request` of a strange host) is on record all the
same; 500 `internal_error` is not: tests/api/http/test_errors.py makes something crash.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest

from tests.http_client import Api
from tests.recorded.recording import recorded_calls

pytestmark = pytest.mark.usefixtures("books")

EVERY = "every operation"
#: What is not on record: the operation, the code, and why.
LEFT_OUT: tuple[tuple[str, str, str], ...] = (
    (EVERY, "request_timeout", "said by the server below, which no test client has"),
    (
        EVERY,
        "unavailable",
        "the database would have to be away: tests/api/http/test_unavailable.py",
    ),
    ("GET /status", "rate_limited", "it counts towards no limit"),
    ("GET /api/v1/health", "rate_limited", "it counts towards no limit"),
    ("GET /customer/{customer_id}", "not_authenticated", "anybody may, without a token too"),
    ("GET /payment-requests/{request_id}", "not_authenticated", "as GET /customer/{customer_id}"),
    ("POST /wallet/withdraw", "balance_limit", "what it goes to is a system wallet: no limit"),
    ("POST /wallets/{wallet_id}/withdraw", "balance_limit", "as POST /wallet/withdraw"),
    ("POST /api/v1/wallet/spend", "balance_limit", "as POST /wallet/withdraw"),
)


@pytest.fixture
def documented(api: Api) -> dict[str, set[str]]:
    """By operation: the statuses of success, and the codes of refusal."""
    return {
        f"{method.upper()} {path}": set(_outcomes(operation))
        for path, operations in api.get("/api/schema").json["paths"].items()
        for method, operation in operations.items()
    }


@pytest.fixture
def recorded(documented: dict[str, set[str]]) -> dict[str, set[str]]:
    """The same, of what is on record."""
    found: dict[str, set[str]] = defaultdict(set)
    for call in recorded_calls():
        operation = _operation_of(call["call"], documented)
        status = call["status"]
        found[operation].add(str(status) if status < 400 else call.get("json", {}).get("code"))
    return found


def test_every_operation_is_on_record(
    documented: dict[str, set[str]], recorded: dict[str, set[str]]
) -> None:
    assert len(documented) > 40
    assert documented.keys() - recorded.keys() == set()


def test_every_outcome_is_on_record_or_left_out_for_a_reason(
    documented: dict[str, set[str]], recorded: dict[str, set[str]]
) -> None:
    missing = {
        (operation, outcome)
        for operation, outcomes in documented.items()
        for outcome in outcomes - recorded[operation]
        if (EVERY, outcome) not in _left_out()
    }

    assert missing == {place for place in _left_out() if place[0] != EVERY}


def test_nothing_that_is_on_record_is_called_left_out(
    documented: dict[str, set[str]], recorded: dict[str, set[str]]
) -> None:
    on_record = {(operation, each) for operation, found in recorded.items() for each in found}
    on_record |= {(EVERY, each) for found in recorded.values() for each in found}

    assert _left_out() & on_record == set()
    assert {operation for operation, _ in _left_out()} <= {*documented, EVERY}
    assert len(_left_out()) == len(LEFT_OUT)
    assert all(reason for _, _, reason in LEFT_OUT)


def _left_out() -> set[tuple[str, str]]:
    return {(operation, code) for operation, code, _ in LEFT_OUT}


def _outcomes(operation: dict[str, Any]) -> Iterator[str]:
    for status, answer in operation["responses"].items():
        if status.startswith("2"):
            yield status
            continue
        for example in answer["content"]["application/json"]["examples"].values():
            yield example["value"]["code"]


def _operation_of(call: str, documented: dict[str, set[str]]) -> str:
    """Return the operation that was called; the call itself if it is none of the schema's."""
    plain = call.partition("?")[0]
    if plain in documented:
        return plain
    return next((name for name in documented if _pattern(name).fullmatch(plain)), plain)


def _pattern(operation: str) -> re.Pattern[str]:
    parts = re.split(r"\{\w+\}", operation)
    return re.compile("[^/]+".join(re.escape(part) for part in parts))
