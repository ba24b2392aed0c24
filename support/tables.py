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
        "captured",
        "charges",
        "per charge",
        "per day",
        "per use",
        "remaining",
        "taken",
        "uses left",
    }
)

#: The headers above times, ids, and words of a fixed set, which do not break.
FIXED = frozenset(
    {
        "accepted",
        "action",
        "asked",
        "expires",
        "kind",
        "made",
        "paid or until",
        "role",
        "since",
        "state",
        "status",
        "token",
        "when",
    }
)
#: The headers above email addresses, which may break anywhere.
ADDRESSES = frozenset(
    {"by", "customer", "email", "owner", "paid by", "payee", "payer", "source", "target", "who"}
)


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells, one cell for each header. `numbers` are the headers of numbers among them."""

    title: str
    headers: Sequence[str]
    rows: Sequence[Row]
    numbers: Collection[str] = NUMBERS

    @property
    def columns(self) -> list[tuple[str, str]]:
        """Each header, and the class of its column's cells; "" for other texts."""
        return [(header, self._class_of(header)) for header in self.headers]

    @property
    def cells(self) -> Iterable[list[tuple[str, str, Any]]]:
        """The rows; each cell with its header and its class."""
        for row in self.rows:
            yield [
                (header, css_class, cell)
                for (header, css_class), cell in zip(self.columns, row, strict=True)
            ]

    def _class_of(self, header: str) -> str:
        if header in self.numbers:
            return "desk-amount"
        if header in FIXED:
            return "desk-fixed"
        return "desk-address" if header in ADDRESSES else ""

    def without(self, header: str) -> "Table":
        """Return the table without this column."""
        kept = [index for index, each in enumerate(self.headers) if each != header]
        rows = [[row[index] for index in kept] for row in self.rows]
        return replace(self, headers=[self.headers[index] for index in kept], rows=rows)
