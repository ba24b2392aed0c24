"""The display of an import's progress."""

import io

import pytest
from rich.console import Console

from intake.customers.display import PlainDisplay, TerminalDisplay
from intake.customers.imports import Progress
from intake.customers.load import Counts

HALF = Progress(Counts(total=12_000, processed=11_990, rejected=10), position=500, size=1_000)


def test_lines_every_few_seconds_without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("intake.customers.display.time.monotonic", lambda: now)
    lines: list[str] = []
    display = PlainDisplay(lines.append)
    display(Progress(Counts(2_000, 2_000, 0), position=0, size=1_000))

    for now in (101.0, 110.0, 110.1):  # noqa: B007 (the clock reads it)
        display(HALF)

    assert lines == [
        "Importing: 2,000 lines, 2,000 customers, 0 rejected, 0 rows/s",
        "Importing: 12,000 lines, 11,990 customers, 10 rejected, 1,000 rows/s, 0:00:10 left",
    ]


def test_a_bar_on_a_terminal() -> None:
    screen = io.StringIO()
    with TerminalDisplay(Console(file=screen, force_terminal=True, width=160)) as display:
        display(HALF)

    assert "50%" in screen.getvalue()
    assert "12,000 lines, 11,990 customers, 10 rejected" in screen.getvalue()


def test_without_a_known_size_no_time_left_is_shown() -> None:
    lines: list[str] = []
    PlainDisplay(lines.append)(Progress(Counts(5, 5, 0), position=500, size=None))

    [line] = lines
    assert "left" not in line
