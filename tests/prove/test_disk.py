"""The fault that needs a disk of its own, where none can be mounted."""

import os

import pytest

from prove.proof import LONG, SHORT, Extent, Tally, usable_faults
from prove.report import lines_of_faults
from prove.workdir import a_workdir

DISK_FULL = "disk full"


def test_without_root_the_directory_is_never_filled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1_000)

    with a_workdir() as workdir:
        assert workdir.directory.is_dir()
        assert not workdir.is_disk
        with pytest.raises(AssertionError, match="other files are on this disk"):
            workdir.fill()
        assert list(workdir.directory.iterdir()) == []


@pytest.mark.parametrize("extent", [LONG, SHORT])
def test_without_a_disk_only_that_fault_is_left_out(extent: Extent) -> None:
    kinds = {fault.kind for fault in usable_faults(extent, has_disk=True)}

    assert DISK_FULL in kinds
    assert {fault.kind for fault in usable_faults(extent, has_disk=False)} == kinds - {DISK_FULL}


def test_the_table_shows_it_as_skipped_and_does_not_count_it() -> None:
    # Given a run in which another fault has struck
    tally = Tally()
    tally.struck["worker killed"] += 1

    lines = lines_of_faults(tally, has_disk=False)

    [line] = [line for line in lines if line.startswith(DISK_FULL)]
    assert line.split(maxsplit=2)[2] == "skipped: only root may mount a disk"
    assert lines[-1] == "1 faults of 1 kinds."
