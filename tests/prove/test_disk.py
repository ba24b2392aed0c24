"""The fault that needs a disk of its own, where none can be mounted."""

import os

import pytest

from prove.place import a_place
from prove.proof import LONG, SHORT, Extent, Tally, usable_faults
from prove.report import lines_of_faults

DISK_FULL = "disk full"


def test_whoever_is_not_root_gets_a_directory_that_is_never_filled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1_000)

    with a_place() as place:
        assert place.directory.is_dir()
        assert not place.is_disk
        with pytest.raises(AssertionError, match="others keep their files"):
            place.fill()
        assert list(place.directory.iterdir()) == []


@pytest.mark.parametrize("extent", [LONG, SHORT])
def test_without_a_disk_that_fault_and_no_other_is_left_out(extent: Extent) -> None:
    kinds = {fault.kind for fault in usable_faults(extent, has_disk=True)}

    assert DISK_FULL in kinds
    assert {fault.kind for fault in usable_faults(extent, has_disk=False)} == kinds - {DISK_FULL}


def test_the_table_says_that_it_was_skipped_and_counts_it_for_nothing() -> None:
    # Given a run in which another fault has struck
    tally = Tally()
    tally.struck["worker killed"] += 1

    lines = lines_of_faults(tally, has_disk=False)

    [line] = [line for line in lines if line.startswith(DISK_FULL)]
    assert line.split(maxsplit=2)[2] == "skipped: who runs this may not mount a disk"
    assert lines[-1] == "1 faults of 1 kinds."
