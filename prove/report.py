"""What a run prints."""

import json
from collections.abc import Sequence
from pathlib import Path

from prove.faults import CATALOGUE
from prove.mutants import Verdict
from prove.operations import Log, Operation, Violation
from prove.proof import Proof, Tally
from prove.watch import TOTALS_EVERY

SHOWN_VIOLATIONS = 20


def write_log(log: Log, path: Path) -> None:
    """Write all operations of a run, one to a line."""
    with path.open("w") as written:
        for operation in log.operations.values():
            written.write(json.dumps(operation.record) + "\n")


def lines_of(proof: Proof, *, has_disk: bool) -> list[str]:
    """Return the tables of a proof."""
    return [
        "",
        *_cases(proof.tally),
        "",
        *lines_of_faults(proof.tally, has_disk=has_disk),
        "",
        *_operations(proof.log),
        "",
        *_answers(proof),
        "",
        *lines_of_violations(proof.log.violations),
    ]


def lines_of_faults(tally: Tally, *, has_disk: bool) -> list[str]:
    """Return the table of the faults: how often each has struck, or why it never did."""
    lines = [_row(("fault", "struck", "missed", "back after", "", "", ""))]
    for fault in CATALOGUE:
        if fault.needs_disk and not has_disk:
            lines.append(f"{fault.kind:<32} skipped: who runs this may not mount a disk")
            continue
        seconds = f"{tally.recovery_seconds.get(fault.kind, 0):.1f} s"
        counts = (tally.struck[fault.kind], tally.missed[fault.kind], seconds)
        lines.append(_row((fault.kind, *counts, "", "", "")))
    kinds = sum(1 for count in tally.struck.values() if count)
    return [*lines, f"{tally.faults} faults of {kinds} kinds."]


def lines_of_violations(violations: Sequence[Violation]) -> list[str]:
    """Return the first violations, in words."""
    if not violations:
        return ["No violation."]
    shown = [f"  {each.invariant}: {each.text}" for each in violations[:SHOWN_VIOLATIONS]]
    return [f"{len(violations)} VIOLATIONS:", *shown]


def lines_of_verdicts(verdicts: Sequence[Verdict]) -> list[str]:
    """Return the table of the mutants."""
    return [
        "",
        _line("mutant", "rounds", "caught by"),
        *(_line(each.mutant.name, each.rounds, _caught(each)) for each in verdicts),
    ]


def _cases(tally: Tally) -> list[str]:
    cases = list(tally.cases.values())
    head = ("load", "rounds", "faults", "operations", "acknowledged", "violations", "seconds")
    rows = [
        (c.name, c.rounds, c.faults, c.operations, c.acknowledged, c.violations, round(c.seconds))
        for c in cases
    ]
    total = ("all", *(sum(int(row[place]) for row in rows) for place in range(1, len(head))))
    return [_row(row) for row in (head, *rows, total)]


def _operations(log: Log) -> list[str]:
    names = sorted({operation.name for operation in log.operations.values()})
    lines = [
        _row(("operation", "asked", "acknowledged", "carried out", "ambiguous", "repeated", ""))
    ]
    for name in names:
        some = [each for each in log.operations.values() if each.name == name]
        lines.append(_row((name, *_counts(some), "")))
    return [*lines, _row(("all", *_counts(list(log.operations.values())), ""))]


def _counts(operations: Sequence[Operation]) -> tuple[int, ...]:
    return (
        len(operations),
        sum(1 for each in operations if each.is_acknowledged),
        sum(1 for each in operations if each.is_done),
        sum(each.ambiguous for each in operations),
        sum(each.repeats for each in operations),
    )


def _answers(proof: Proof) -> list[str]:
    log, watch = proof.log, proof.watch
    told = ", ".join(f"{count} times {status}" for status, count in sorted(log.statuses.items()))
    refused = sum(1 for each in log.operations.values() if each.must_fail)
    return [
        f"Last words: {told}.",
        f"Keys whose answer was lost: told {log.told['completed']} times that they are completed,"
        f" {log.told['unknown']} times that they are unknown.",
        f"Begun after a log-out, a deletion or a freeze: {refused}.",
        f"Looked at the totals: {watch.looks // TOTALS_EVERY} times in snapshots,"
        f" {watch.reads} times over HTTP.",
    ]


def _caught(verdict: Verdict) -> str:
    told = ", ".join(verdict.caught_by) or "nobody"
    return told if verdict.is_right else f"{told}: WRONG"


def _line(name: str, *rest: object) -> str:
    return f"{name:<36}" + "".join(f"{each!s:<8}" for each in rest)


def _row(cells: Sequence[object]) -> str:
    return (f"{cells[0]!s:<32}" + "".join(f"{cell!s:>13}" for cell in cells[1:])).rstrip()
