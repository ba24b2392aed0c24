"""A database that an earlier release made and used, migrated by this one.

`release_0_2_0.sql.gz` is a dump of the demo of 0.2.0, after a charge, a part of it refunded, and a
charge that failed; `release_0_3_0.sql.gz` one of 0.3.0, after charges by the wallet's token, by a
pay token and by an approval, refunds, a charge that failed, a payment request that was paid, and
transactions of the queue; `release_0_4_0.sql.gz` one of 0.4.0, after the same, adjustments by staff
(alone, approved, rejected, waiting), limits of accounts' own, log-ins, an import of customers and a
list of failed attempts. Of their partitions they have only the first three months. Each is the
output of `pg_dump --no-owner --rows-per-insert=1000 --no-unlogged-table-data`, without comments,
the later partitions, and the rows of sessions and of jobs.
"""

import gzip
import os
import re
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, LiteralString
from urllib.parse import quote

import psycopg
import pytest
from psycopg import sql

from config.environment import BASE_DIR

_DATABASE_RIGHTS = BASE_DIR / "core" / "sql" / "database_rights.sql"
RELEASES = ("0_2_0", "0_3_0", "0_4_0")
#: Of each release: how many charges and refunds it made, by what the payer showed.
MADE = {
    "0_2_0": [("charge", "token", 2), ("refund", "token", 1)],
    "0_3_0": [
        ("charge", "paytoken", 1),
        ("charge", "request", 1),
        ("charge", "token", 4),
        ("refund", "paytoken", 1),
        ("refund", "token", 1),
    ],
}
MADE["0_4_0"] = MADE["0_3_0"]
#: Of each release: its operators after the upgrade. The older ones knew no kinds.
_OLD_OPERATORS = [("operator@demo.example", "staff"), ("platform@example.com", "platform")]
OPERATORS = {
    "0_2_0": _OLD_OPERATORS,
    "0_3_0": _OLD_OPERATORS,
    "0_4_0": [
        ("approver@demo.example", "staff"),
        ("operator@demo.example", "staff"),
        ("platform@demo.example", "platform"),
    ],
}
#: A migration that the upgrade of each release runs.
RUNS = {
    "0_2_0": "ledger.0003_verified_by_the_database",
    "0_3_0": "ledger.0003_verified_by_the_database",
    "0_4_0": "ledger.0005_holds_and_groups",
}
#: What was new in 0.4.0, each as a query for rows that the upgrade must leave as they are.
KEPT: dict[str, LiteralString] = {
    "own limits": "SELECT * FROM accounts_ownlimits ORDER BY user_id",
    "known addresses": "SELECT * FROM accounts_knownaddress ORDER BY digest",
    "support actions": "SELECT * FROM accounts_supportaction ORDER BY id",
    "adjustments asked for": "SELECT * FROM commerce_adjustmentrequest ORDER BY id",
    "adjustments alone": "SELECT * FROM commerce_loneadjustment ORDER BY transaction_id",
    "failed attempts": "SELECT * FROM ledger_failedattempts ORDER BY one_id, other_id",
    "imports": "SELECT * FROM intake_customerimport ORDER BY id",
    "idempotency keys": "SELECT * FROM core_idempotencyrecord ORDER BY id",
}
#: What both databases must have alike, each as a query for a name and a definition.
DEFINITIONS: dict[str, LiteralString] = {
    "functions": """
        SELECT p.oid::regprocedure::text, pg_get_functiondef(p.oid) || coalesce(p.proacl::text, '')
          FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.prokind = 'f'""",
    "columns": """
        SELECT table_name || '.' || column_name, concat_ws(
                   ' ', data_type, character_maximum_length, is_nullable, column_default)
          FROM information_schema.columns WHERE table_schema = 'public'
           AND table_name NOT LIKE 'ledger_transaction_%'""",
    "constraints": """
        SELECT conrelid::regclass || '.' || conname, pg_get_constraintdef(oid) FROM pg_constraint
         WHERE connamespace = 'public'::regnamespace
           AND conrelid::regclass::text NOT LIKE 'ledger_transaction_%'""",
    "indexes": """
        SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
           AND tablename NOT LIKE 'ledger_transaction_%'""",
    "triggers": """
        SELECT tgrelid::regclass || '.' || tgname, pg_get_triggerdef(oid) FROM pg_trigger
         WHERE NOT tgisinternal AND tgrelid::regclass::text NOT LIKE 'ledger_transaction_%'""",
    "rights": """
        SELECT table_name || '.' || coalesce(column_name, ''), string_agg(
                   DISTINCT privilege_type, ' ' ORDER BY privilege_type)
          FROM (SELECT table_name, NULL AS column_name, privilege_type
                  FROM information_schema.role_table_grants
                 WHERE grantee = 'wallet_app' AND table_schema = 'public'
                 UNION ALL
                SELECT table_name, column_name, privilege_type
                  FROM information_schema.role_column_grants
                 WHERE grantee = 'wallet_app' AND table_schema = 'public') AS granted
         WHERE table_name NOT LIKE 'ledger_transaction_%' GROUP BY 1""",
    "database": """
        SELECT r.rolname, has_database_privilege(r.oid, current_database(), 'TEMPORARY')::text
          FROM pg_roles r WHERE NOT r.rolsuper""",
    "types": """
        SELECT t.typname || '.' || a.attname, format_type(a.atttypid, a.atttypmod)
          FROM pg_type t JOIN pg_attribute a ON a.attrelid = t.typrelid
          JOIN pg_class c ON c.oid = t.typrelid
         WHERE t.typnamespace = 'public'::regnamespace AND c.relkind = 'c'""",
}


@pytest.fixture(params=RELEASES)
def release(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def old_dsn(owner_dsn: str, release: str) -> Iterator[str]:
    """A database of the release; its DSN as the owner."""
    name = f"release_{release}_{uuid.uuid4().hex[:8]}"
    dump = Path(__file__).with_name(f"release_{release}.sql.gz")
    with psycopg.connect(owner_dsn, autocommit=True) as owner:
        owner.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        dsn = psycopg.conninfo.make_conninfo(owner_dsn, dbname=name)
        with psycopg.connect(dsn) as old:
            old.execute(gzip.decompress(dump.read_bytes()))
        if release == "0_4_0":
            # Its migrations took rights on the database itself, which are in no dump.
            with psycopg.connect(dsn) as old:
                old.execute(_DATABASE_RIGHTS.read_bytes())
        yield dsn
        # Not WITH (FORCE): the owner may not end an autovacuum, which a plain DROP waits for.
        owner.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)))


def manage(dsn: str, *arguments: str) -> str:
    """Run a management command on the database of the DSN, as its owner; return what it printed."""
    parts = psycopg.conninfo.conninfo_to_dict(dsn)
    login = f"{quote(str(parts['user']))}:{quote(str(parts.get('password') or ''))}"
    url = (
        f"postgresql://{login}@{quote(str(parts['host']), safe='')}:{parts.get('port', 5432)}"
        f"/{parts['dbname']}"
    )
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=BASE_DIR,
        env={**os.environ, "DATABASE_URL": url, "WALLET_SERVICE_SECRET_KEY": "of-the-upgrade"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def definitions(database: psycopg.Connection, query: LiteralString) -> dict[str, str]:
    """Return names and definitions, without the casts that a dump and restore write differently."""
    rows = database.execute(query).fetchall()
    return {
        name: re.sub(r"::[a-z ]+|[()\[\]\s]", "", definition or "") for name, definition in rows
    }


def rows_kept(database: psycopg.Connection) -> dict[str, list[Any]]:
    """Return the rows of `KEPT`. Raises `AssertionError` where there are none to keep."""
    rows = {what: list(database.execute(query).fetchall()) for what, query in KEPT.items()}
    assert all(rows.values()), rows
    return rows


def test_it_ends_as_a_new_installation_and_keeps_what_happened(
    old_dsn: str, owner_dsn: str, release: str
) -> None:
    # Of the earlier releases no asset had a system wallet for fees.
    others = "FROM wallets_wallet WHERE purpose IS DISTINCT FROM 'fees'"
    balances = f"SELECT id, balance_minor, version {others} ORDER BY id"
    with psycopg.connect(old_dsn) as old:
        before = old.execute(balances).fetchall()
        kept = rows_kept(old) if release == "0_4_0" else {}
        if release != "0_4_0":
            # Beside the demo's operator, who has a password, a platform's server, which has none.
            old.execute(
                "INSERT INTO accounts_user (id, email, role, password, is_active, is_superuser,"
                " created_at) VALUES (gen_random_uuid(), 'platform@example.com', 'operator', '!x',"
                " true, false, now())"
            )

    migrated = manage(old_dsn, "migrate")
    manage(old_dsn, "make_partitions")
    verified = manage(old_dsn, "verify_ledger")

    assert RUNS[release] in migrated
    assert "agrees with the transactions" in verified
    with psycopg.connect(old_dsn) as upgraded, psycopg.connect(owner_dsn) as new:
        for what, query in DEFINITIONS.items():
            assert definitions(upgraded, query) == definitions(new, query), what
        assert upgraded.execute(balances).fetchall() == before
        [wallets] = upgraded.execute(
            f"SELECT count(DISTINCT address), count(*) FILTER (WHERE charges = 'open') {others}"
        ).fetchall()
        [fees] = upgraded.execute(
            "SELECT count(*), (SELECT count(*) FROM wallets_asset) FROM wallets_wallet"
            " WHERE purpose = 'fees'"
        ).fetchall()
        assert fees[0] == fees[1] > 0
        operators = upgraded.execute(
            "SELECT email, operator_kind FROM accounts_user WHERE operator_kind IS NOT NULL"
            " ORDER BY email"
        ).fetchall()
        assert operators == OPERATORS[release]
        # The release without addresses had no other policy; the later dumps have one wallet.
        assert wallets == (len(before), len(before) - (release != "0_2_0"))
        if release == "0_4_0":
            assert rows_kept(upgraded) == kept
        made = upgraded.execute(
            "SELECT kind, CASE WHEN paytoken_id IS NOT NULL THEN 'paytoken'"
            "                  WHEN payment_request_id IS NOT NULL THEN 'request'"
            "                  ELSE 'token' END AS shown, count(*)"
            " FROM ledger_transaction WHERE kind IN ('charge', 'refund')"
            " GROUP BY kind, shown ORDER BY kind, shown"
        ).fetchall()
        assert made == MADE[release]
