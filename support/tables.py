"""Tables of the admin's pages. `admin/table.html` shows one."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

Row = Sequence[object]

#: The headers above amounts and counts, which stand on the right.
NUMBERS = frozenset(
    {
        "amount",
        "attempts",
        "balance",
        "charges",
        "per charge",
        "per day",
        "per use",
        "taken",
        "uses left",
    }
)


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells, one cell for each header. `numbers` are the headers of numbers among them."""

    title: str
    headers: Sequence[str]
    rows: Sequence[Row]
    numbers: Collection[str] = NUMBERS

    @property
    def columns(self) -> list[tuple[str, bool]]:
        """Each header, and whether it is above numbers."""
        return [(header, header in self.numbers) for header in self.headers]

    @property
    def cells(self) -> Iterable[list[tuple[str, bool, Any]]]:
        """The rows; each cell with its header, and whether it is a number."""
        for row in self.rows:
            yield [
                (header, is_number, cell)
                for (header, is_number), cell in zip(self.columns, row, strict=True)
            ]

    def without(self, header: str) -> "Table":
        """Return the table without this column."""
        kept = [index for index, each in enumerate(self.headers) if each != header]
        rows = [[row[index] for index in kept] for row in self.rows]
        return replace(self, headers=[self.headers[index] for index in kept], rows=rows)
