"""A PostgreSQL server like an operator's: by TCP, with passwords, configured by its URL."""

import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from config.environment import BASE_DIR
from harness.processes import free_port
from ops.embedded_postgres import ensure_running, programs

START_SECONDS = 120


@dataclass
class Server:
    """A cluster in `directory`, whose superuser connects by the socket there without a password."""

    directory: Path
    port: int = field(default_factory=free_port)

    @property
    def pgdata(self) -> Path:
        return self.directory / "pgdata"

    @property
    def superuser_url(self) -> str:
        return f"postgresql://postgres@/postgres?host={self.directory}&port={self.port}"

    def url(self, role: str, password: str, database: str = "wallet") -> str:
        return f"postgresql://{role}:{password}@127.0.0.1:{self.port}/{database}"

    @property
    def scripts(self) -> Path:
        """The scripts of deploy/postgres, where the server's user may read them."""
        return self.directory / "deploy"

    def create_directory(self) -> None:
        """Create the directory. As root, give it to the user of the embedded server."""
        self.directory.mkdir()
        shutil.copytree(BASE_DIR / "deploy" / "postgres", self.scripts)
        shutil.copy(Path(__file__).with_name("pg_verifybackup"), self.scripts)
        if os.geteuid() == 0:
            with ensure_running(self.directory / "embedded"):
                owner = (self.directory / "embedded" / "postgres").stat()
            os.chown(self.directory, owner.st_uid, owner.st_gid)
            shutil.rmtree(self.directory / "embedded")

    def initialize(self) -> None:
        """Create an empty cluster, as PostgreSQL's image does."""
        self.create_directory()
        self.run(
            "initdb",
            f"--pgdata={self.pgdata}",
            "--username=postgres",
            "--auth-local=trust",
            "--auth-host=scram-sha-256",
        )

    def start(self, *settings: str) -> None:
        """Start it with settings such as `jit=off` and wait until it answers."""
        listen = (f"port={self.port}", f"unix_socket_directories={self.directory}")
        options = " ".join(f"-c '{setting}'" for setting in (*listen, *settings))
        log = self.directory / "server.log"
        self._control("start", f"--log={log}", f"--timeout={START_SECONDS}", f"--options={options}")

    def make_roles(self, secrets: Path) -> None:
        """Run the script that PostgreSQL's image runs on an empty volume."""
        self.run_script("roles.sh", SECRETS=str(secrets))

    def run_script(self, name: str, *arguments: str, **environment: str) -> str:
        """Run one of the scripts beside the server, as `docker-compose exec` would."""
        here = {"PGHOST": str(self.directory), "PGPORT": str(self.port)}
        return self.run(str(self.scripts / name), *arguments, **here, **environment)

    def stop(self, mode: str = "fast") -> None:
        if (self.pgdata / "postmaster.pid").exists():
            self._control("stop", f"--mode={mode}")

    def run(self, program: str, *arguments: str, **environment: str) -> str:
        """Run a program as the cluster's owner; return what it printed."""
        owner = self.directory.stat()
        is_root = os.geteuid() == 0
        result = subprocess.run(
            [program if "/" in program else programs() / program, *arguments],
            cwd="/",
            env={**os.environ, "PATH": f"{self.scripts}:{programs()}:/usr/bin:/bin", **environment},
            stdin=subprocess.DEVNULL,
            # A file, because the server inherits it and would keep a pipe open.
            stdout=subprocess.PIPE if program != "pg_ctl" else subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
            text=True,
            user=owner.st_uid if is_root else None,
            group=owner.st_gid if is_root else None,
            extra_groups=[] if is_root else None,
            check=False,
        )
        assert result.returncode == 0, (program, result.stdout, self._log())
        return result.stdout or ""

    def _control(self, action: str, *arguments: str) -> None:
        self.run("pg_ctl", action, f"--pgdata={self.pgdata}", "--wait", *arguments)

    def _log(self) -> str:
        log = self.directory / "server.log"
        return log.read_text()[-2_000:] if log.exists() else ""
