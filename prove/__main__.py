"""`python -m prove`: prove the promises, then that the proof would notice if one were broken.

Ends with 1 when an invariant was violated, or a mutant was not caught.
"""

import argparse
import random
import signal
import sys
import time
from pathlib import Path

from prove.workdir import Workdir, a_workdir


def main() -> int:
    """Run what the arguments ask for."""
    arguments = _arguments()
    # SIGTERM ends the child processes too.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    began = time.monotonic()
    with a_workdir() as workdir:
        is_well = _run(workdir, arguments)
    minutes, seconds = divmod(round(time.monotonic() - began), 60)
    print(f"\nSeed {arguments.seed}, {minutes} min {seconds} s.", end=" ")
    print(f"The same faults on the same load again: make prove SEED={arguments.seed}")
    return 0 if is_well else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m prove", description=__doc__)
    parser.add_argument("--seed", default=str(random.randrange(1_000_000)))
    parser.add_argument("--short", action="store_true", help="under two minutes, one mutant")
    parser.add_argument("--mutants", nargs="*", metavar="NAME", help="only mutants, or only these")
    parser.add_argument("--log", type=Path, metavar="FILE", help="each operation and its outcomes")
    return parser.parse_args()


def _run(workdir: Workdir, arguments: argparse.Namespace) -> bool:
    # Django can be set up only once the database is there.
    from prove.setup import an_installation

    with an_installation(workdir) as installation:
        from prove import mutants, runner

        is_proof = arguments.mutants is None
        actors = runner.prepare(installation, is_short=arguments.short or not is_proof)
        is_well = True
        if is_proof:
            is_well = runner.prove(
                installation, actors, arguments.seed, is_short=arguments.short, log=arguments.log
            )
        names = arguments.mutants or (mutants.SHORT_MUTANTS if arguments.short else ())
        has_caught = runner.try_mutants(installation, actors, arguments.seed, names)
    return is_well and has_caught


if __name__ == "__main__":
    sys.exit(main())
