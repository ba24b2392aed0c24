"""The parts of a run. Wants Django set up (`prove.setup`)."""

import sys
from collections.abc import Sequence
from pathlib import Path

from harness.database import create_database
from ops.embedded_postgres import DATABASE
from prove import failpoints, report
from prove.actors import Actors, make_actors
from prove.installation import BreakableInstallation
from prove.mutants import MUTANTS, Verdict, try_mutant
from prove.proof import LONG, SHORT, Proof
from prove.setup import PREPARED


def prepare(installation: BreakableInstallation, *, is_short: bool) -> Actors:
    """Make all actors, and put the failpoints in."""
    extent = SHORT if is_short else LONG
    actors = make_actors(revocations=extent.revocations, hundreds=extent.hundreds)
    with installation.connect() as superuser:
        failpoints.install(superuser)
    create_database(installation.data_dir, PREPARED, template=DATABASE)
    return actors


def prove(
    installation: BreakableInstallation,
    actors: Actors,
    seed: str,
    *,
    is_short: bool,
    log: Path | None = None,
) -> bool:
    """Run the proof and print its tables. Returns whether nothing was violated.

    `log`: the file for each operation, its key and its outcomes.
    """
    extent = SHORT if is_short else LONG
    _print(f"Seed {seed}: {extent.faults} faults under load, all invariants after each.")
    installation.start_service()
    proof = Proof(installation, actors, seed)
    proof.run(extent)
    installation.stop_service()
    if log is not None:
        report.write_log(proof.log, log)
    _print(*report.lines_of(proof, has_disk=installation.workdir.is_disk))
    if proof.log.violations:
        _print(f"The service's log:\n{installation.log_tail()}")
    return not proof.log.violations


def try_mutants(
    installation: BreakableInstallation, actors: Actors, seed: str, names: Sequence[str]
) -> bool:
    """Run these mutants, or all if none is named, and print which invariant caught each.

    Returns whether each was caught, and the service as it is was not.
    """
    verdicts: list[Verdict] = []
    for mutant in MUTANTS:
        if not names or mutant.name in names:
            verdicts.append(try_mutant(installation, actors, mutant, seed))
    installation.use_database(DATABASE)
    _print(*report.lines_of_verdicts(verdicts))
    return all(verdict.is_right for verdict in verdicts)


def _print(*lines: str) -> None:
    for line in lines:
        sys.stdout.write(line + "\n")
    sys.stdout.flush()
