"""Management commands: they find the database, or report the error in one line."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from config.environment import BASE_DIR
from harness.installation import Installation
from harness.processes import free_port
from harness.waiting import DEADLINE_SECONDS
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


def test_the_service_of_another_installation_is_not_taken_for_ones_own(
    installation: Installation, workdir: Path
) -> None:
    # Given a service that runs, and two that want to know
    installation.serve()
    other = Installation(workdir / "other", port=installation.port)

    # When the doctor of each looks
    own = installation.manage("doctor")
    elsewhere = installation.manage("doctor", PORT=str(free_port()))
    strange = other.manage("doctor")

    # Then its own finds it, by whatever port, and the other's does not take it for its own
    assert f"ok     port: the service answers at 127.0.0.1:{installation.port}\n" in own.stdout
    assert (
        f"ok     port: the service answers at 127.0.0.1:{installation.port}, not at 127.0.0.1:"
        in elsewhere.stdout
    )
    assert strange.returncode == 1
    assert (
        f"WRONG  port: 127.0.0.1:{installation.port}: the service of another installation answers"
        in strange.stdout
    )
    assert not other.data_dir.exists()


@pytest.mark.parametrize("command", ["doctor", "showmigrations", "help"])
def test_a_reader_that_has_read_enough_ends_the_command_without_a_traceback(
    installation: Installation, command: str
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as closed:
        done = subprocess.run(
            [sys.executable, "manage.py", command],
            cwd=BASE_DIR,
            env=installation.environment(),
            stdout=closed,
            stderr=subprocess.PIPE,
            text=True,
            timeout=DEADLINE_SECONDS,
            check=False,
        )

    assert (done.returncode, done.stderr) == (128 + signal.SIGPIPE, "")
    assert not is_running(installation.data_dir)
