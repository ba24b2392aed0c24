"""Lines of CSV that a spreadsheet shows as they were meant: no text in them becomes a formula."""

import re
import unicodedata
from collections.abc import Sequence
from decimal import Decimal

from core.money import plain

#: A cell that starts like this is a formula to a spreadsheet. The minus of mathematics (U+2212)
#: is one to some; NFKC makes the full-width, small, raised and lowered signs plain ones.
_FORMULA_STARTS = ("=", "+", "-", "\u2212", "@")
#: Spreadsheets take these, too, as the end of a cell or of a line, depending on how they are set.
_SEPARATORS = re.compile("(\r\n|[;\uff1b\t\r\n\v\f\x1c-\x1e\x85\u2028\u2029])")
#: What may begin a piece and is no sign itself, but starts a formula in some spreadsheets.
_BLANK_STARTS = ("\t", "\r")


def csv_line(cells: Sequence[str | Decimal | None]) -> str:
    """Return one line, with its end. Texts are quoted; amounts are plain numbers; None is empty.

    In a text, each piece that could be read as a formula gets a `'` before it: at its beginning,
    and after each `;`, tab and line break, where other programs begin a new cell.
    """
    return ",".join(_cell(cell) for cell in cells) + "\r\n"


def _cell(value: str | Decimal | None) -> str:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return plain(value)
    return f'"{_without_formulas(value).replace(chr(34), chr(34) * 2)}"'


def _without_formulas(text: str) -> str:
    parts = _SEPARATORS.split(text)
    # Pieces at the even places, what separates them at the odd ones.
    for place in range(0, len(parts), 2):
        separator = parts[place + 1] if place + 1 < len(parts) else ""
        if _starts_formula(parts[place], separator):
            parts[place] = f"'{parts[place]}"
    return "".join(parts)


def _starts_formula(piece: str, separator: str) -> bool:
    visible = _skip_ignored(unicodedata.normalize("NFKC", piece))
    return visible.startswith(_FORMULA_STARTS) or (not visible and separator in _BLANK_STARTS)


def _skip_ignored(text: str) -> str:
    """Return the text from the first character on that a spreadsheet looks at.

    It skips spaces, invisible characters, and a quote, which it takes for the cell's own.
    """
    start = 0
    while start < len(text) and (
        text[start] == '"' or unicodedata.category(text[start])[0] in ("Z", "C")
    ):
        start += 1
    return text[start:]
