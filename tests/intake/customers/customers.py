"""Lines of customers, and what became of them."""

import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command

from intake.models import CustomerImport
from tests.factories import PHONE


def customer(number: int, **changes: Any) -> dict[str, Any]:
    """Return a good line's fields with changes; `...` takes a field away."""
    fields = {
        "email": f"customer{number}@example.com",
        "first_name": "Ada",
        "last_name": "Lovelace",
        "phone_number": PHONE,
        "balance": "10.00",
        **changes,
    }
    return {name: value for name, value in fields.items() if value is not ...}


def json_lines(rows: Iterable[dict[str, Any] | str]) -> bytes:
    """Return the rows as a source; a text is a line as it stands."""
    texts = (row if isinstance(row, str) else json.dumps(row) for row in rows)
    return "".join(f"{text}\n" for text in texts).encode()


def customers(count: int) -> bytes:
    return json_lines(customer(number) for number in range(count))


def seeded(source: Path | str) -> str:
    """Run the command to its end and return what it printed last."""
    printed = io.StringIO()
    call_command("seed_customers", str(source), stdout=printed)
    return printed.getvalue().splitlines()[-1]


def only_run() -> CustomerImport:
    [run] = CustomerImport.objects.all()
    return run


def counts(run: CustomerImport) -> tuple[int, int, int]:
    return run.total, run.processed, run.rejected


def rejects_of(run: CustomerImport) -> list[dict[str, Any]]:
    path = settings.DATA_DIR / "rejects" / f"{run.pk}.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()]
