"""The script of the daily backup on a host."""

import subprocess
import time
from pathlib import Path

import pytest

from tests.deployment.conftest import Host

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("deployment")]

#: Replaces docker compose: creates a file, as the backup container does.
FAKE_BACKUP = """#!/bin/sh
: > "{backups}/wallet-$(date +%s%N).dump"
"""


def back_up(host: Host) -> int:
    script = host.etc / "backup.sh"
    return subprocess.run([script], env=host.environment, check=False).returncode


def recorded_time(figures: Path) -> int:
    name, seconds = figures.read_text().split()
    assert name == "wallet_backup_timestamp_seconds"
    return int(seconds)


def test_only_a_backup_that_was_copied_away_is_recorded(host: Host) -> None:
    # Given a host with a hook that copies backups away
    hook = host.root / "bin" / "copy-away"
    host.etc.mkdir()
    host.configure("backup", wallet_backup_hook=str(hook))
    command = host.root / "bin" / "wallet"
    command.write_text(FAKE_BACKUP.format(backups=host.root / "backups"))
    hook.write_text("#!/bin/sh\nexit 1\n")
    for program in (command, hook):
        program.chmod(0o755)
    figures = host.root / "metrics" / "wallet_backup.prom"

    # When the hook fails, then no backup is recorded
    assert back_up(host) == 1
    assert not figures.exists()

    # When it succeeds, then its time is in a file that node_exporter can read
    hook.write_text("#!/bin/sh\n")
    before = int(time.time())
    assert back_up(host) == 0
    assert before <= recorded_time(figures) <= time.time()
    assert figures.stat().st_mode & 0o777 == 0o644
    assert list(figures.parent.iterdir()) == [figures]

    # When the next backup fails, then the recorded time stays
    figures.write_text("wallet_backup_timestamp_seconds 1000\n")
    command.write_text("#!/bin/sh\nexit 1\n")
    assert back_up(host) == 1
    assert recorded_time(figures) == 1000
