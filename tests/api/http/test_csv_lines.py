"""Lines of CSV: whatever a program takes for the end of a cell, no cell becomes a formula."""

import csv
import io
import re
import unicodedata
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from api.http.csv_lines import csv_line

SIGNS = "=+-@\t\r\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u2212"
TEXTS = st.text(st.sampled_from(f"{SIGNS};\uff1b\n\v\f\x1e\x85\u2028,\"' \u200bx1"), max_size=12)


@given(TEXTS)
@example("x;=1+1")
@example("x\t=1+1")
@example('x;"=1+1')
@example("\r=1")
def test_no_piece_of_a_text_begins_with_a_sign(text: str) -> None:
    line = csv_line(["2026", text])

    cells = next(csv.reader(io.StringIO(line, newline="")))
    assert (cells[0], line[-2:]) == ("2026", "\r\n")
    assert cells[1].replace("'", "") == text.replace("'", ""), "nothing else changes"
    for piece in re.split(r"\r\n|[;\uff1b\t\r\n\v\f\x1e\x85\u2028]", cells[1]):
        assert not unicodedata.normalize("NFKC", piece).lstrip(' "\u200b').startswith(tuple(SIGNS))


@given(TEXTS)
@example('x;"=1+1')
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_no_reader_finds_a_formula(delimiter: str, text: str) -> None:
    line = csv_line(["x", text, "y"])

    for row in csv.reader(io.StringIO(line, newline=""), delimiter=delimiter):
        assert not [cell for cell in row if cell.lstrip().startswith(("=", "+", "-", "@"))]


def test_texts_are_quoted_and_amounts_are_plain() -> None:
    cells = ["Tea", "", None, Decimal(42).scaleb(-8), Decimal(0).scaleb(-8), -Decimal(1).scaleb(2)]

    assert csv_line(cells) == '"Tea","",,0.00000042,0.00000000,-100\r\n'
