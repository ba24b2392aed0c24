"""The short form of the proof. `make prove` runs the long one, and the mutants."""

import os
import subprocess
import sys

import pytest

from config.database import PROFILE_VARIABLE
from config.environment import BASE_DIR, VARIABLES

pytestmark = pytest.mark.slow

DEADLINE_SECONDS = 900


def prove(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it as `make prove` does: with a database and settings of its own."""
    ours = {*VARIABLES, PROFILE_VARIABLE}
    return subprocess.run(
        [sys.executable, "-m", "prove", *arguments],
        cwd=BASE_DIR,
        env={name: value for name, value in os.environ.items() if name not in ours},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )


def test_what_is_promised_holds_while_everything_is_killed() -> None:
    # When every operation of money runs while all parts fail, and then a mutant
    run = prove("--short", "--seed", "1")

    # Then no invariant was violated, and the mutant was caught
    assert run.returncode == 0, run.stdout
    assert "No violation." in run.stdout
    assert "WRONG" not in run.stdout
