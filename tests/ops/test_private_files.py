"""Nothing in the data directory can be listed, read or locked by other users of the machine."""

import os
import pwd
import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from ops import embedded_postgres
from ops.embedded_postgres import EmbeddedPostgresError, Role, database_url, ensure_running
from ops.mails import PrivateFileBackend

needs_root = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root can try what another user of the machine can do"
)
#: Its path is so long that the socket cannot be in it.
LONG_NAME = "long" * 30
SOMEBODY = "nobody"
#: Any Python that another user can run: this one's directory may be closed to them.
PYTHON = ("/usr/bin/env", "PATH=/usr/bin:/bin:/usr/local/bin", "python3", "-c")


def try_as_somebody(program: str, *arguments: str | Path) -> str:
    """Run a Python program as another user; return what it printed."""
    user = pwd.getpwnam(SOMEBODY)
    done = subprocess.run(
        [*PYTHON, program, *arguments],
        user=user.pw_uid,
        group=user.pw_gid,
        extra_groups=[],
        cwd="/",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stdout + done.stderr


def is_open(path: Path) -> bool:
    return bool(path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))


@pytest.fixture
def used_before(workdir: Path) -> Path:
    """A data directory as an earlier release left it: everybody can enter it and read its files."""
    data_dir = workdir / "data"
    with ensure_running(data_dir):
        pass
    for name in ("mails", "rejects"):
        (data_dir / name).mkdir()
        (data_dir / name / "1.log").write_text("Your link: …")
        (data_dir / name / "1.log").chmod(0o644)
        (data_dir / name).chmod(0o755)
    for name in ("postgres.lock", "postgres.users"):
        (data_dir / name).chmod(0o644)
    data_dir.chmod(0o755)
    return data_dir


def test_a_data_directory_is_private_from_the_start_and_one_of_before_is_put_right(
    used_before: Path,
) -> None:
    ours = [path for path in used_before.rglob("*") if "postgres" not in path.parts]

    with ensure_running(used_before):
        pass

    mode = 0o711 if os.geteuid() == 0 else 0o700
    assert stat.S_IMODE(used_before.stat().st_mode) == mode
    assert [path for path in ours if path.exists() and is_open(path)] == []
    assert len(ours) >= 6


@needs_root
def test_another_user_sees_nothing_and_locks_nothing(used_before: Path) -> None:
    attempts = """
import fcntl, os, sys
root = sys.argv[1]
for act in (
    lambda: os.listdir(root),
    lambda: os.listdir(root + "/mails"),
    lambda: open(root + "/mails/1.log").read(),
    lambda: open(root + "/rejects/1.log").read(),
    lambda: fcntl.flock(open(root + "/postgres.lock"), fcntl.LOCK_EX | fcntl.LOCK_NB),
    lambda: fcntl.flock(open(root + "/postgres.users"), fcntl.LOCK_SH | fcntl.LOCK_NB),
    lambda: open(root + "/postgres/server.log").read(),
):
    try:
        print("done", act())
    except PermissionError:
        print("refused")
"""
    before = try_as_somebody(attempts, used_before)

    with ensure_running(used_before):
        after = try_as_somebody(attempts, used_before)

    assert before.count("done") == 6
    assert after.splitlines() == ["refused"] * 7


@needs_root
def test_who_held_the_lock_before_it_was_private_does_not_stop_a_start(used_before: Path) -> None:
    user = pwd.getpwnam(SOMEBODY)
    holding = """
import fcntl, sys
lock = open(sys.argv[1])
fcntl.flock(lock, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""
    with subprocess.Popen(
        [*PYTHON, holding, used_before / "postgres.lock"],
        user=user.pw_uid,
        group=user.pw_gid,
        extra_groups=[],
        cwd="/",
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"

        with ensure_running(used_before):
            is_held = holder.poll() is None
        holder.communicate()

    assert is_held


def test_a_mail_is_for_its_owner_only(tmp_path: Path) -> None:
    directory = tmp_path / "mails"
    directory.mkdir(mode=0o755)

    backend = PrivateFileBackend(file_path=str(directory))
    backend.open()
    backend.close()

    [mail] = directory.iterdir()
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert stat.S_IMODE(mail.stat().st_mode) == 0o600


# --- The socket of a long path ---------------------------------------------------------------


@pytest.fixture
def impostor(workdir: Path) -> Iterator[Path]:
    """A data directory with a long path; somebody else listens where its socket would be."""
    data_dir = workdir / LONG_NAME
    with ensure_running(data_dir):
        pass
    socket_dir = embedded_postgres.socket_dir(data_dir)
    user = pwd.getpwnam(SOMEBODY)
    socket_dir.mkdir()
    os.chown(socket_dir, user.pw_uid, user.pw_gid)
    listening = """
import os, socket, sys
with socket.socket(socket.AF_UNIX) as listener:
    listener.bind(sys.argv[1])
    os.chmod(sys.argv[1], 0o777)
    listener.listen()
    print("listening", flush=True)
    while True:
        with listener.accept()[0] as client:
            received = client.recv(1000)
            print("received", received, flush=True)
"""
    with subprocess.Popen(
        [*PYTHON, listening, socket_dir / ".s.PGSQL.5432"],
        user=user.pw_uid,
        group=user.pw_gid,
        extra_groups=[],
        cwd="/",
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "listening\n"
        yield data_dir
        process.terminate()
    shutil.rmtree(socket_dir)


@needs_root
def test_nobody_connects_to_a_server_of_another_user(impostor: Path) -> None:
    for role in Role:
        with pytest.raises(psycopg.OperationalError, match="requirepeer"):
            psycopg.connect(database_url(impostor, role))
    with pytest.raises(EmbeddedPostgresError, match="belongs to another user"):
        ensure_running(impostor)
    embedded_postgres.delete(impostor)
    assert embedded_postgres.socket_dir(impostor).exists()


def test_defaults_that_the_services_role_gave_itself_end_with_the_next_start(workdir: Path) -> None:
    with (
        ensure_running(workdir),
        psycopg.connect(database_url(workdir, Role.APP), autocommit=True) as app,
    ):
        app.execute(f"ALTER ROLE {Role.APP} SET search_path = pg_catalog")
        app.execute(f"ALTER ROLE {Role.APP} IN DATABASE wallet SET statement_timeout = 1")
    with ensure_running(workdir), psycopg.connect(database_url(workdir, Role.APP)) as app:
        shown = "SELECT current_setting('search_path'), current_setting('statement_timeout')"
        assert app.execute(shown).fetchone() == ('"$user", public', "0")
