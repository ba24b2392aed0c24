"""Bare management commands: they find the database, or say in a line what is wrong."""

from pathlib import Path

from harness.installation import Installation
from tests.ops.conftest import is_running


def test_any_command_names_all_wrong_settings(installation: Installation) -> None:
    result = installation.manage(
        "doctor", WALLET_SERVICE_LOG_LEVEL="loud", WALLET_SERVICE_WORKERS="none"
    )
    assert result.returncode == 1
    assert [line.split(":")[0] for line in result.stderr.splitlines()] == [
        "WALLET_SERVICE_LOG_LEVEL",
        "WALLET_SERVICE_WORKERS",
    ]


def test_the_doctor_only_looks(installation: Installation) -> None:
    result = installation.manage("doctor")
    assert result.returncode == 0, result.stdout
    assert all(line.startswith("ok ") for line in result.stdout.splitlines())
    assert not installation.data_dir.exists()


def test_a_command_starts_the_database_migrates_as_owner_and_stops_it(
    installation: Installation,
) -> None:
    before = installation.manage("migrate", "--verbosity=0")
    assert before.returncode == 0, before.stderr
    assert not is_running(installation.data_dir)

    healthy = installation.manage("doctor")
    assert healthy.returncode == 0, healthy.stdout
    for check in ("settings", "data directory", "port", "database", "migrations", "rights"):
        assert f"ok     {check}:" in healthy.stdout
    assert "ok     partitions:" in healthy.stdout
    assert not is_running(installation.data_dir)

    assert installation.manage("demo_reset").returncode == 0
    assert not (installation.data_dir / "postgres").exists()


def test_a_data_directory_that_cannot_be_written_is_one_sentence(
    installation: Installation, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    for command in ("migrate", "serve"):
        result = installation.manage(command, WALLET_SERVICE_DATA_DIR=str(tmp_path / "file" / "x"))
        assert result.returncode == 1
        (line,) = result.stderr.splitlines()
        assert line.startswith("WALLET_SERVICE_DATA_DIR: ")
    doctor = installation.manage("doctor", WALLET_SERVICE_DATA_DIR=str(tmp_path / "file" / "x"))
    assert doctor.returncode == 1
    assert "WRONG  data directory:" in doctor.stdout


def test_a_database_that_does_not_answer_is_one_sentence(installation: Installation) -> None:
    server = {
        "DATABASE_URL": "postgresql://wallet@127.0.0.1:1/wallet",
        "WALLET_SERVICE_SECRET_KEY": "a key of our own",
    }
    for command in ("migrate", "serve"):
        result = installation.manage(command, **server)
        assert result.returncode == 1
        (line,) = result.stderr.splitlines()
        assert line.startswith("The database does not answer: ")
    doctor = installation.manage("doctor", **server)
    assert doctor.returncode == 1
    assert "WRONG  database:" in doctor.stdout
    assert not installation.data_dir.exists()


def test_a_name_that_is_no_setting_is_told_and_keeps_nobody_from_starting(
    installation: Installation,
) -> None:
    doctor = installation.manage("doctor", WALLET_SERVICE_TREADS="4")
    checked = installation.manage("check", WALLET_SERVICE_TREADS="4")

    assert doctor.returncode == 1
    assert "there is no such setting: WALLET_SERVICE_TREADS" in doctor.stdout
    assert checked.returncode == 0
