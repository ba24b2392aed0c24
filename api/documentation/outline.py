"""The texts of the OpenAPI document, and the order of its calls: that of a story."""

from pathlib import Path
from typing import Any

from api.clients.postman.story import STEPS

INTRODUCTION = (Path(__file__).parent / "introduction.md").read_text(encoding="utf-8")
TAGS = [
    {"name": name, "description": description}
    for name, description in (
        ("accounts", "Who calls: sign up, log in, passwords, personal data, and leaving."),
        ("wallets by token", "Open wallets; deposit, withdraw, send; and how companies charge."),
        ("wallets as resources", "The same wallets by their id: funds, transfers, statements."),
        ("paying safely", "Who may charge a wallet: approvals, and pay tokens that a payer shows."),
        ("payment requests", "A payee asks for an amount, and a payer pays it, once."),
        ("holds", "A company sets money of a payer aside, and takes it later or leaves it."),
        (
            "credits of a platform",
            "What a platform (games, loyalty) moves between itself and its users, and the ledger of"
            " it. For operators; users spend and read their own.",
        ),
        ("intake", "Transactions in any number, taken at once and run by the processor later."),
        ("service", "Assets, health, and what was answered under a key."),
    )
]
_PLACES = {step.operation: place for place, step in reversed(list(enumerate(STEPS)))}


def order_as_a_story(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Put the paths into the order of the Postman collection's story (drf-spectacular's hook)."""
    paths = result["paths"].items()
    return {**result, "paths": dict(sorted(paths, key=lambda found: _place(found[1])))}


def _place(operations: dict[str, dict[str, Any]]) -> int:
    return min(_PLACES.get(each["operationId"], len(STEPS)) for each in operations.values())
