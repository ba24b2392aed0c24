"""Import: customers a second from a local file, opening balances included."""

import json
import random
from itertools import count
from pathlib import Path

from bench.machine import measure
from bench.rows import Row, Sample

_repeats = count()


def row(data_dir: Path, customers: int) -> Row:
    """Return the row: as many customers each time, from another file into the same database."""
    from intake.customers.imports import import_customers

    def measure_import() -> Sample:
        source = data_dir / "customers.jsonl"
        write_customers(source, customers, first=next(_repeats) * customers)
        return Sample(measure(data_dir, customers, lambda: import_customers(str(source))))

    return Row("import", f"import_customers, {customers:,} from a file", measure_import)


def write_customers(source: Path, customers: int, *, first: int = 0) -> None:
    """Write a source with as many valid lines; the addresses are numbered from `first`."""
    chance = random.Random(first)
    with source.open("w") as file:
        for number in range(first, first + customers):
            row = {
                # In no order, as real ones come.
                "email": f"{chance.randbytes(6).hex()}.{number}@example.com",
                "first_name": "Ada",
                "last_name": "Lovelace",
                "phone_number": f"+346{chance.randrange(10**8):08}",
                "balance": f"{chance.randrange(100, 10**6)}.{chance.randrange(100):02}",
            }
            file.write(json.dumps(row) + "\n")
