"""Management commands: they find the database, or report the error in one line."""

from pathlib import Path

import psycopg

from harness.installation import Installation
from ops.embedded_postgres import Role, database_url, ensure_running
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


def test_the_doctor_changes_nothing(installation: Installation) -> None:
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


def test_an_unknown_setting_is_reported_and_does_not_prevent_the_start(
    installation: Installation,
) -> None:
    doctor = installation.manage("doctor", WALLET_SERVICE_TREADS="4")
    checked = installation.manage("check", WALLET_SERVICE_TREADS="4")

    assert doctor.returncode == 1
    assert "there is no such setting: WALLET_SERVICE_TREADS" in doctor.stdout
    assert checked.returncode == 0


def test_make_run_and_the_doctor_name_the_way_out_of_an_unsupported_demo_database(
    installation: Installation,
) -> None:
    # Given a demo database that an unreleased version has migrated
    with (
        ensure_running(installation.data_dir),
        psycopg.connect(database_url(installation.data_dir, Role.OWNER)) as owner,
    ):
        owner.execute(
            "CREATE TABLE django_migrations (id serial, app text, name text, applied timestamptz)"
        )
        owner.execute(f"GRANT SELECT ON django_migrations TO {Role.APP}")
        owner.execute(
            "INSERT INTO django_migrations (app, name, applied)"
            " VALUES ('commerce', '0001_initial', now()), ('commerce', '0002_intake', now())"
        )

    # When it is used
    served = installation.manage("serve")
    checked = installation.manage("doctor")

    # Then both name the command that deletes it
    assert (served.returncode, checked.returncode) == (1, 1)
    assert "`make demo-reset` deletes it" in served.stderr
    assert "WRONG  migrations: an older, unreleased version" in checked.stdout
    assert "`make demo-reset` deletes it" in checked.stdout
