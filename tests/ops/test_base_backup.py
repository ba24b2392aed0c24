"""Backups under load: they contain every acknowledged charge once, and restore the service."""

import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from harness.callers import Caller, a_client, a_company, charge
from harness.installation import Installation
from harness.waiting import DEADLINE_SECONDS, wait_until
from ops import backup
from ops.embedded_postgres import Role, database_url
from tests.ops import containers
from tests.ops.server import Server

pytestmark = pytest.mark.slow

SETTINGS = {
    "WALLET_SERVICE_RATE_LIMITS": "off",
    "WALLET_SERVICE_SECRET_KEY": "the-key-of-both-installations",
}

# Owners, rights, constraints, triggers, indexes and partitions.
CATALOGUE = """
    SELECT kind, name, owner, details,
           (SELECT string_agg(item::text, ' ' ORDER BY item::text) FROM unnest(rights) item)
      FROM (
        SELECT 'relation' AS kind, relname::text AS name, relowner::regrole::text AS owner,
               relkind::text || relpersistence::text AS details,
               coalesce(relacl, acldefault(
                   (CASE relkind WHEN 'S' THEN 's' ELSE 'r' END)::"char", relowner)) AS rights
          FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind <> 'i'
         UNION ALL
        SELECT 'column', format('%s.%s', attrelid::regclass, attname), '', '', attacl
          FROM pg_attribute WHERE attacl IS NOT NULL AND attrelid::regclass::text !~ '^pg_'
         UNION ALL
        SELECT 'function', oid::regprocedure::text, proowner::regrole::text,
               prosecdef::text || coalesce(array_to_string(proconfig, ' '), ''),
               coalesce(proacl, acldefault('f', proowner))
          FROM pg_proc WHERE pronamespace = 'public'::regnamespace
         UNION ALL
        SELECT 'default', defaclrole::regrole::text, '', defaclobjtype::text, defaclacl
          FROM pg_default_acl
         UNION ALL
        SELECT 'index', indexdef, '', '', '{}' FROM pg_indexes WHERE schemaname = 'public'
         UNION ALL
        SELECT 'partition', inhrelid::regclass::text, '', inhparent::regclass::text, '{}'
          FROM pg_inherits
         UNION ALL
        SELECT 'constraint', format('%s.%s', conrelid::regclass, conname), '',
               contype::text || convalidated::text || conenforced::text, '{}'
          FROM pg_constraint WHERE connamespace = 'public'::regnamespace
         UNION ALL
        SELECT 'trigger', format('%s.%s', tgrelid::regclass, tgname), '',
               tgenabled::text || pg_get_triggerdef(oid), '{}'
          FROM pg_trigger WHERE NOT tgisinternal
    ) object ORDER BY kind, name
"""
CHARGES = "SELECT summary FROM ledger_transaction WHERE kind = 'charge' AND failure_code IS NULL"
QUEUED = "SELECT count(*) FROM intake_queuedtransaction WHERE status = 'pending'"
# Rows of two tables that contradict each other.
DISAGREEMENTS = """
    SELECT 'a key without its charge' FROM core_idempotencyrecord r
      LEFT JOIN ledger_transaction t ON t.id = r.transaction_id
     WHERE r.operation = 'POST /wallet/charge' AND t.id IS NULL
     UNION ALL
    SELECT 'a charge without its key' FROM ledger_transaction t
      LEFT JOIN core_idempotencyrecord r ON r.transaction_id = t.id
     WHERE t.kind = 'charge' AND r.id IS NULL
     UNION ALL
    SELECT 'a completed queued transaction without its transaction' FROM intake_queuedtransaction q
      LEFT JOIN ledger_transaction t ON t.id = q.transaction_id
     WHERE q.status = 'completed' AND t.id IS NULL
     UNION ALL
    SELECT 'a transfer without its queued transaction' FROM ledger_transaction t
      LEFT JOIN intake_queuedtransaction q ON q.transaction_id = t.id
     WHERE t.kind = 'transfer' AND q.id IS NULL
"""


@dataclass
class Load:
    """A company that charges and a client that queues transfers, concurrently, until the exit."""

    payer: Caller
    company: Caller
    tried: list[str] = field(default_factory=list)
    acknowledged: list[str] = field(default_factory=list)
    queued: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> "Load":
        works = [self._charge_as("a"), self._charge_as("b"), self._queue]
        self._threads = [threading.Thread(target=work) for work in works]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _charge_as(self, name: str) -> Callable[[], None]:
        def run() -> None:
            number = 0
            while not self._stop.is_set():
                number += 1
                key = f"{name}-{number}"
                self.tried.append(key)
                if charge(self.company, self.payer, "1.00", key=key).status_code == 200:
                    self.acknowledged.append(key)

        return run

    def _queue(self) -> None:
        body = {"source": self.payer.wallet, "target": self.company.wallet, "amount": "0.01"}
        while not self._stop.is_set():
            sent = self.payer.send("POST", "/wallet/transfer", body, Prefer="respond-async")
            self.queued += sent.status_code == 202


@dataclass
class TargetServer:
    """A separate server with the roles, and the settings with which the service uses it."""

    server: Server
    secrets: Path

    @property
    def settings(self) -> dict[str, str]:
        return SETTINGS | {
            "DATABASE_URL": (self.secrets / "app" / "database_url").read_text(),
            "DATABASE_OWNER_URL": (self.secrets / "owner" / "database_url").read_text(),
        }

    def rows(self, query: str) -> list[tuple[object, ...]]:
        return rows(f"{self.server.superuser_url}&dbname=wallet", query)


def rows(url: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(query.encode()).fetchall()


@pytest.fixture
def target(workdir: Path) -> Iterator[TargetServer]:
    server = Server(workdir / "target")
    server.initialize()
    server.start()
    secrets = containers.make_secrets(workdir, port=server.port)
    server.make_roles(secrets)
    yield TargetServer(server, secrets)
    server.stop("immediate")


def dump_file(result: subprocess.CompletedProcess[str]) -> Path:
    assert result.returncode == 0, result.stderr
    return Path(result.stdout.removeprefix("Wrote ").partition(",")[0])


def test_a_dump_under_load_is_restored_on_another_server(
    installation: Installation, target: TargetServer, workdir: Path
) -> None:
    # Given a service under load
    service, _ = installation.serve(**SETTINGS)
    payer, company = a_client(installation.url, holds="100000.00"), a_company(installation.url)
    with Load(payer, company) as load:
        wait_until(lambda: len(load.acknowledged) >= 30 and load.queued >= 10)

        # When a backup is made, and charges go on meanwhile
        before = set(load.acknowledged)
        written = installation.manage("backup", str(workdir / "backups"), **SETTINGS)
        during = set(load.acknowledged) - before
        file = dump_file(written)
        assert during
        assert backup.dumps(workdir / "backups") == [file]
        assert file.stat().st_mode & 0o777 == 0o600
        assert file.parent.stat().st_mode & 0o777 == 0o700
    replayed = charge(company, payer, "1.00", key=sorted(before)[0])
    source = database_url(installation.data_dir, Role.SUPERUSER)
    catalogue = rows(source, CATALOGUE)
    service.terminate()
    assert service.wait(DEADLINE_SECONDS) == 0

    # And it is restored on another server
    restored = installation.manage("restore", str(file), **target.settings)
    assert restored.returncode == 0, restored.stderr
    assert "every balance agrees" in restored.stdout

    # Then every charge acknowledged before is there once, and no charge that was not attempted
    found = [str(summary) for (summary,) in target.rows(CHARGES)]
    assert len(found) == len(set(found))
    assert before <= set(found) <= set(load.tried)
    assert target.rows(DISAGREEMENTS) == []
    # And owners, rights, triggers, partitions and unlogged tables are the same. Sorted here, as the
    # servers have different collations.
    assert sorted(target.rows(CATALOGUE), key=str) == sorted(catalogue, key=str)
    assert target.rows("SELECT count(*) FROM core_counter") == [(0,)]
    temporary = "SELECT has_database_privilege('wallet_app', current_database(), 'TEMPORARY')"
    assert target.rows(temporary) == [(False,)]

    # And a second restore is refused and changes nothing
    again = installation.manage("restore", str(file), **target.settings)
    assert (again.returncode, "is not empty" in again.stderr) == (1, True)
    assert len(target.rows(CHARGES)) == len(found)

    # And the service continues: a repeated charge replays its answer, a new one succeeds
    installation.serve(**target.settings)
    wait_until(lambda: target.rows(QUEUED) == [(0,)])
    balance = company.balance
    repeated = charge(company, payer, "1.00", key=sorted(before)[0])
    assert repeated.headers["Idempotent-Replayed"] == "true"
    assert repeated.content == replayed.content
    assert company.balance == balance
    assert charge(company, payer, "1.00", key="afterwards").status_code == 200


def test_recovery_to_a_time_between_two_charges(installation: Installation, workdir: Path) -> None:
    # Given a server that archives its WAL, as compose starts it
    server = Server(workdir / "server")
    server.initialize()
    archive = server.directory / "archive"
    command = containers.interpolate(
        next(
            flag for flag in containers.service("database")["command"] if "archive_command" in flag
        )
    ).removeprefix("-c")
    command = command.replace("/deploy/", f"{server.scripts}/").replace("/archive/", f"{archive}/")
    server.start("archive_mode=on", command)
    source = TargetServer(server, containers.make_secrets(workdir, port=server.port))
    server.make_roles(source.secrets)
    try:
        installation.serve(**source.settings)
        payer, company = a_client(installation.url, holds="100000.00"), a_company(installation.url)

        # And base backups that were made under load, of which two are kept
        with Load(payer, company) as load:
            for number in range(1, 4):
                wait_until(lambda: len(load.acknowledged) >= 10 * number)  # noqa: B023
                server.run_script("base_backup.sh", str(archive))
            wait_until(lambda: bool(set(load.tried[-2:]) & set(load.acknowledged)))
        assert len(list((archive / "base").iterdir())) == 2

        # When one charge is correct, and those after a point in time are not
        assert charge(company, payer, "2.00", key="right").status_code == 200
        [(target_time,)] = source.rows("SELECT clock_timestamp()::text")
        assert charge(company, payer, "3.00", key="wrong").status_code == 200
        [(segment,)] = source.rows("SELECT pg_walfile_name(pg_switch_wal())")
        wait_until((archive / "wal" / f"{segment}.gz").exists)
        installation.clean_up()
        found = {str(summary) for (summary,) in source.rows(CHARGES)}
    finally:
        installation.clean_up()
        server.stop("immediate")

    # Then a server recovered to that time has the first charge and not the second
    recovered_server = Server(workdir / "recovered_server", port=server.port)
    recovered_server.create_directory()
    recovered_server.run(
        str(recovered_server.scripts / "restore_to.sh"),
        str(target_time),
        str(archive),
        str(recovered_server.pgdata),
    )
    recovered_server.start()
    try:
        recovered = TargetServer(recovered_server, source.secrets)
        wait_until(lambda: recovered.rows("SELECT pg_is_in_recovery()") == [(False,)])
        charges = [str(summary) for (summary,) in recovered.rows(CHARGES)]
        assert len(charges) == len(set(charges))
        assert set(charges) == found - {"wrong"}
        assert {"right", *load.acknowledged} <= set(charges)
        assert recovered.rows(DISAGREEMENTS) == []
        verified = installation.manage("verify_ledger", **recovered.settings)
        assert verified.returncode == 0, verified.stderr
        assert recovered.rows("SELECT count(*) FROM core_counter") == [(0,)]
    finally:
        recovered_server.stop("immediate")
