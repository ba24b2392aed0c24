"""What a run consists of. Wants Django set up (`stage`)."""

import sys
from collections.abc import Sequence
from pathlib import Path

from ops import embedded_postgres
from prove import failpoints, report
from prove.actors import Cast, make_cast
from prove.installation import Installation
from prove.mutants import MUTANTS, Verdict, try_mutant
from prove.proof import LONG, SHORT, Proof
from prove.stage import PREPARED, copy_database, use_database


def prepare(installation: Installation, *, is_short: bool) -> Cast:
    """Make everybody, and put the failpoints in."""
    extent = SHORT if is_short else LONG
    cast = make_cast(leavers=extent.leavers, hundreds=extent.hundreds)
    with installation.connect() as superuser:
        failpoints.install(superuser)
    copy_database(installation, PREPARED, template=embedded_postgres.DATABASE)
    return cast


def prove(
    installation: Installation, cast: Cast, seed: str, *, is_short: bool, log: Path | None = None
) -> bool:
    """Run the proof and print its tables. Returns whether nothing was violated.

    `log`: the file that is to hold each operation, its key and its outcomes.
    """
    extent = SHORT if is_short else LONG
    say(f"Seed {seed}: {extent.faults} faults under load, all invariants after each.")
    installation.start_service()
    proof = Proof(installation, cast, seed)
    proof.run(extent)
    installation.stop_service()
    if log is not None:
        report.write_log(proof.log, log)
    for line in report.lines_of(proof, has_disk=installation.place.is_disk):
        say(line)
    if proof.log.violations:
        say(f"The service's log:\n{installation.log.read_text('utf-8', 'replace')[-4000:]}")
    return not proof.log.violations


def try_mutants(installation: Installation, cast: Cast, seed: str, names: Sequence[str]) -> bool:
    """Run these mutants, or all if none is named, and print which invariant caught each.

    Returns whether each was caught, and the service as it is was not.
    """
    verdicts: list[Verdict] = []
    for mutant in MUTANTS:
        if not names or mutant.name in names:
            verdicts.append(try_mutant(installation, cast, mutant, seed))
    use_database(installation, embedded_postgres.DATABASE)
    for line in report.lines_of_verdicts(verdicts):
        say(line)
    return all(verdict.is_right for verdict in verdicts)


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
