"""Seeding: customers a second from a local file, opening balances included.

.venv/bin/python -m bench.seeding [CUSTOMERS]
"""

import json
import random
import sys
from pathlib import Path

from bench.machine import REPEATS, fresh_service, measure, show

CUSTOMERS = 200_000


def main(customers: int) -> None:
    """Seed as many customers several times, each time from another file into the same database."""
    with fresh_service() as data_dir:
        # Its models want Django, which is set up now.
        from commerce.seeding.seed import seed  # noqa: PLC0415

        costs = []
        for repeat in range(REPEATS):
            source = data_dir / f"customers-{repeat}.jsonl"
            write_customers(source, customers, first=repeat * customers)
            costs.append(measure(data_dir, customers, lambda: seed(str(source))))  # noqa: B023 (runs at once)
        show(f"seeding, {customers:,} customers", costs)


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


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else CUSTOMERS)
