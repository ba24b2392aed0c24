"""Sources of customers in tests, and the results of importing them."""

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
    """Return the fields of a valid line with changes; `...` removes a field."""
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
    """Return the rows as a source; a `str` is a line as it is."""
    texts = (row if isinstance(row, str) else json.dumps(row) for row in rows)
    return "".join(f"{text}\n" for text in texts).encode()


def customer_lines(count: int) -> bytes:
    return json_lines(customer(number) for number in range(count))


def run_import(source: Path | str, *, command: str = "import_customers") -> str:
    """Run the command to its end and return the last line of its output."""
    output = io.StringIO()
    call_command(command, str(source), stdout=output)
    return output.getvalue().splitlines()[-1]


def only_run() -> CustomerImport:
    [run] = CustomerImport.objects.all()
    return run


def counts(run: CustomerImport) -> tuple[int, int, int]:
    return run.total, run.processed, run.rejected


def read_rejects(run: CustomerImport) -> list[dict[str, Any]]:
    path = settings.DATA_DIR / "rejects" / f"{run.pk}.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()]
