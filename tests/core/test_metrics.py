"""The metrics of several processes, which share a directory."""

from pathlib import Path

import pytest
from prometheus_client import generate_latest
from prometheus_client.mmap_dict import MmapedDict

from core import metrics


def test_a_process_that_is_just_starting_has_no_metrics_yet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given the file of a worker that counts, and those of one that has only opened its own
    monkeypatch.setenv(metrics.DIRECTORY_VARIABLE, str(tmp_path))
    counting = MmapedDict(str(tmp_path / "counter_1.db"))  # type: ignore[no-untyped-call]
    counting.write_value('["things", "things_total", {}, "Things."]', 3.0, 0.0)  # type: ignore[no-untyped-call]
    counting.close()  # type: ignore[no-untyped-call]
    for kind in ("counter", "histogram", "gauge_livesum"):
        (tmp_path / f"{kind}_2.db").touch()
    # And one whose gauges went between the listing and the look at them
    (tmp_path / "gauge_livemax_3.db").symlink_to(tmp_path / "gone")

    # When somebody asks, then the first one's are there
    text = generate_latest(metrics.registry()).decode()
    assert "things_total 3.0" in text


@pytest.mark.parametrize("kind", ["counter", "histogram", "gauge_livesum"])
@pytest.mark.parametrize(
    "begun",
    [
        pytest.param(b"\0\0\0", id="shorter-than-its-first-number"),
        pytest.param(b"\0\0\0\0", id="shorter-than-its-head"),
        pytest.param(bytes(1 << 16), id="has-its-size-alone"),
        # The first number says how much counts: a value is written before that is raised.
        pytest.param(
            b"\x08" + bytes(7) + b"\x40" + bytes(3) + b'["thi' + bytes(1 << 12),
            id="has-half-a-value",
        ),
    ],
)
def test_a_file_that_is_half_written_has_no_metrics_yet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, begun: bytes
) -> None:
    # Given the file of a worker that counts, and one that another has half written
    monkeypatch.setenv(metrics.DIRECTORY_VARIABLE, str(tmp_path))
    counting = MmapedDict(str(tmp_path / "counter_1.db"))  # type: ignore[no-untyped-call]
    counting.write_value('["things", "things_total", {}, "Things."]', 3.0, 0.0)  # type: ignore[no-untyped-call]
    counting.close()  # type: ignore[no-untyped-call]
    (tmp_path / f"{kind}_2.db").write_bytes(begun)

    # When somebody asks, then the first one's are there, and nothing else
    text = generate_latest(metrics.registry()).decode()
    assert [line for line in text.splitlines() if not line.startswith("#")] == ["things_total 3.0"]
