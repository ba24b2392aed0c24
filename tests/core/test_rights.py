"""The rights of the service's role in the database, complete.

The service may read and write a new table unless a migration revokes rights; each new table needs
a line here that states which of the two is intended.
"""

from collections.abc import Iterator

import psycopg
import pytest
from django.conf import settings
from psycopg import errors

from ops.embedded_postgres import Role

pytestmark = pytest.mark.skipif(
    not settings.IS_DEMO, reason="with DATABASE_URL the server has other roles"
)

ALL, ADD, READ = "DELETE INSERT SELECT UPDATE", "INSERT SELECT", "SELECT"

TABLES = {
    "accounts_client": ALL,
    "accounts_company": ALL,
    "accounts_knownaddress": ALL,
    "accounts_ownlimits": ALL,
    "accounts_user": ADD,
    "accounts_user_groups": READ,
    "accounts_user_user_permissions": READ,
    "auth_group": READ,
    "auth_group_permissions": READ,
    "auth_permission": READ,
    "commerce_adjustmentrequest": ADD,
    "commerce_charge": ADD,
    "commerce_loneadjustment": ADD,
    "commerce_paymentrequest": ADD,
    "intake_processorstate": ADD,
    "intake_queuedtransaction": ADD,
    "intake_customerimport": ALL,
    "core_counter": ALL,
    "core_idempotencyrecord": ALL,
    "core_position": ALL,
    "accounts_supportaction": ADD,
    "django_admin_log": READ,
    "django_content_type": READ,
    "django_migrations": READ,
    "django_session": ALL,
    "knox_authtoken": ALL,
    "ledger_dryrefusals": "DELETE SELECT",
    "ledger_entry": READ,
    "ledger_failedattempts": "DELETE SELECT",
    "ledger_transaction": READ,
    "ledger_hold": READ,
    "ledger_verification": READ,
    "ledger_verificationrun": "",
    "otp_static_staticdevice": ALL,
    "otp_static_statictoken": ALL,
    "otp_totp_totpdevice": ALL,
    "procrastinate_events": ADD,
    "procrastinate_jobs": ALL,
    "procrastinate_periodic_defers": ALL,
    "procrastinate_workers": ALL,
    "wallets_approval": ADD,
    "wallets_asset": ADD,
    "wallets_fee": ALL,
    "wallets_paytoken": "DELETE INSERT SELECT",
    "wallets_statuschange": ADD,
    "wallets_wallet": ADD,
}
#: Single columns that may be updated.
COLUMNS = {
    ("accounts_user", "email"),
    ("accounts_user", "is_active"),
    ("accounts_user", "last_login"),
    ("accounts_user", "password"),
    ("commerce_adjustmentrequest", "decided_at"),
    ("commerce_adjustmentrequest", "decider_id"),
    ("commerce_adjustmentrequest", "decision_reason"),
    ("commerce_adjustmentrequest", "failure_code"),
    ("commerce_adjustmentrequest", "status"),
    ("commerce_adjustmentrequest", "transaction_id"),
    ("commerce_charge", "fee_returned_minor"),
    ("commerce_charge", "refunded_minor"),
    ("commerce_paymentrequest", "cancelled_at"),
    ("commerce_paymentrequest", "fee_minor"),
    ("commerce_paymentrequest", "paid_at"),
    ("commerce_paymentrequest", "paid_minor"),
    ("commerce_paymentrequest", "payer_wallet_id"),
    ("commerce_paymentrequest", "status"),
    ("commerce_paymentrequest", "tip_minor"),
    ("commerce_paymentrequest", "transaction_id"),
    ("intake_processorstate", "attempt_totals"),
    ("intake_processorstate", "completed"),
    ("intake_processorstate", "current_chunk"),
    ("intake_processorstate", "failed"),
    ("intake_processorstate", "heartbeat_at"),
    ("intake_processorstate", "last_chunk"),
    ("intake_processorstate", "processor_id"),
    ("intake_queuedtransaction", "attempts"),
    ("intake_queuedtransaction", "error_code"),
    ("intake_queuedtransaction", "is_failed"),
    ("intake_queuedtransaction", "next_attempt_at"),
    ("intake_queuedtransaction", "status"),
    ("intake_queuedtransaction", "transaction_id"),
    ("intake_queuedtransaction", "updated_at"),
    ("wallets_approval", "ended_at"),
    ("wallets_asset", "name"),
    ("wallets_paytoken", "revoked_at"),
    ("wallets_wallet", "charges"),
    ("wallets_wallet", "label"),
    ("wallets_wallet", "status"),
    ("wallets_wallet", "updated_at"),
}
#: Functions that run with the owner's rights.
AS_OWNER = {
    "count_dry_refusals",
    "keep_has_fee",
    "ledger_begin_verification",
    "ledger_finish_verification",
    "ledger_post",
    "ledger_release_expired",
    "ledger_verify_assets",
    "ledger_verify_next_range",
    "make_transaction_partitions",
}


#: Tables whose rows the service deletes or changes as wholes. Who may do that may also lock them.
LOCKABLE = {
    "accounts_client",
    "accounts_company",
    "accounts_knownaddress",
    "accounts_ownlimits",
    "core_counter",
    "core_idempotencyrecord",
    "core_position",
    "django_session",
    "intake_customerimport",
    "knox_authtoken",
    "ledger_dryrefusals",
    "ledger_failedattempts",
    "otp_static_staticdevice",
    "otp_static_statictoken",
    "otp_totp_totpdevice",
    "procrastinate_jobs",
    "procrastinate_periodic_defers",
    "procrastinate_workers",
    "wallets_fee",
    "wallets_paytoken",
}


@pytest.fixture
def app(owner_dsn: str) -> Iterator[psycopg.Connection]:
    """A connection as the service's role; what it does is rolled back."""
    dsn = psycopg.conninfo.make_conninfo(owner_dsn, user=Role.APP)
    with psycopg.connect(dsn) as connection, connection.transaction(force_rollback=True):
        yield connection


@pytest.fixture
def owner(owner_dsn: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(owner_dsn) as connection:
        yield connection


def test_rights_on_each_table(owner: psycopg.Connection) -> None:
    rows = owner.execute(
        """
        SELECT c.relname, coalesce(string_agg(right_, ' ' ORDER BY right_) FILTER (
                   WHERE has_table_privilege(%s, c.oid, right_)), '')
          FROM pg_class c, unnest(ARRAY['DELETE', 'INSERT', 'MAINTAIN', 'REFERENCES', 'SELECT',
                                        'TRIGGER', 'TRUNCATE', 'UPDATE']) AS right_
         WHERE c.relnamespace = 'public'::regnamespace
           AND c.relkind IN ('r', 'p', 'v', 'm') AND NOT c.relispartition
         GROUP BY c.relname
        """,
        [Role.APP],
    ).fetchall()

    assert dict(rows) == TABLES


def test_no_rights_on_single_partitions(owner: psycopg.Connection) -> None:
    rows = owner.execute(
        "SELECT relname FROM pg_class WHERE relispartition AND relkind = 'r'"
        " AND has_table_privilege(%s, oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE')",
        [Role.APP],
    ).fetchall()

    assert rows == []


def test_rights_on_single_columns(owner: psycopg.Connection) -> None:
    rows = owner.execute(
        """
        SELECT c.relname, a.attname
          FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
         WHERE c.relnamespace = 'public'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped
           AND c.relkind IN ('r', 'p', 'v')
           AND has_column_privilege(%(app)s, c.oid, a.attname, 'UPDATE')
           AND NOT has_table_privilege(%(app)s, c.oid, 'UPDATE')
        """,
        {"app": Role.APP},
    ).fetchall()

    assert set(rows) == COLUMNS


def test_no_other_role_has_rights(owner: psycopg.Connection) -> None:
    rows = owner.execute(
        """
        SELECT c.relname, acl.grantee::regrole::text
          FROM pg_class c, aclexplode(c.relacl) AS acl
         WHERE c.relnamespace = 'public'::regnamespace
           AND acl.grantee NOT IN (c.relowner, to_regrole(%s))
        """,
        [Role.APP],
    ).fetchall()

    assert rows == []


def test_functions_that_run_as_the_owner_are_not_public(owner: psycopg.Connection) -> None:
    rows = owner.execute(
        """
        SELECT proname, has_function_privilege(%s, oid, 'EXECUTE'),
               proacl IS NULL OR EXISTS (
                   SELECT FROM aclexplode(proacl) AS acl WHERE acl.grantee = 0),
               array_to_string(proconfig, ' ') LIKE '%%search_path=public, pg_temp%%'
          FROM pg_proc
         WHERE pronamespace = 'public'::regnamespace AND prosecdef
        """,
        [Role.APP],
    ).fetchall()

    assert {name for name, *_ in rows} == AS_OWNER
    assert {(app, is_public, is_fixed) for _, app, is_public, is_fixed in rows} == {
        (True, False, True)
    }


def test_no_function_leaves_it_to_its_caller_what_its_names_mean(
    owner: psycopg.Connection,
) -> None:
    rows = owner.execute(
        """
        SELECT oid::regprocedure::text FROM pg_proc
         WHERE pronamespace = 'public'::regnamespace
           -- A body that was parsed when it was defined looks up no names when it runs.
           AND prosqlbody IS NULL
           AND 'search_path=public, pg_temp' <> ALL (coalesce(proconfig, '{}'))
        """
    ).fetchall()

    assert rows == []


def test_tables_that_may_be_locked_against_all_others(owner: psycopg.Connection) -> None:
    """`LOCK TABLE` in the strongest mode needs a right to change or delete any row of the table."""
    rows = owner.execute(
        "SELECT relname FROM pg_class"
        " WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v')"
        " AND has_table_privilege(%s, oid, 'UPDATE, DELETE, TRUNCATE, MAINTAIN')",
        [Role.APP],
    ).fetchall()

    assert {name for (name,) in rows} == LOCKABLE


@pytest.mark.parametrize("table", ["accounts_user", "intake_queuedtransaction", "wallets_wallet"])
def test_what_everybody_reads_cannot_be_locked(app: psycopg.Connection, table: str) -> None:
    for mode in ("SHARE", "SHARE ROW EXCLUSIVE", "EXCLUSIVE", "ACCESS EXCLUSIVE"):
        with pytest.raises(errors.InsufficientPrivilege), app.transaction():
            app.execute(f"LOCK TABLE {table} IN {mode} MODE")


def test_no_temporary_table_comes_before_a_table(app: psycopg.Connection) -> None:
    with pytest.raises(errors.InsufficientPrivilege, match="temporary"):
        app.execute("CREATE TEMPORARY TABLE wallets_asset (symbol text)")


@pytest.mark.parametrize(
    "change",
    [
        "SUPERUSER",
        "CREATEDB",
        "CREATEROLE",
        "REPLICATION",
        "BYPASSRLS",
        "CONNECTION LIMIT 0",
        "VALID UNTIL 'yesterday'",
        "SET session_replication_role = replica",
    ],
)
def test_the_role_cannot_change_itself(app: psycopg.Connection, change: str) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        app.execute(f"ALTER ROLE {Role.APP} {change}")


def test_the_role_may_change_its_own_password_and_defaults(app: psycopg.Connection) -> None:
    """PostgreSQL lets every role do this: SECURITY.md says so, and `doctor` finds defaults."""
    for change in (
        "PASSWORD 'another'",
        "SET search_path = pg_catalog",
        "IN DATABASE postgres SET search_path = pg_catalog",
    ):
        app.execute(f"ALTER ROLE {Role.APP} {change}")


def test_partitions_are_made_by_the_owners_function_only(app: psycopg.Connection) -> None:
    count = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'ledger_transaction'::regclass"
    before = app.execute(count).fetchall()

    with pytest.raises(errors.InvalidParameterValue), app.transaction():
        app.execute("SELECT make_transaction_partitions(37)")
    with pytest.raises(errors.InsufficientPrivilege), app.transaction():
        app.execute("CREATE TABLE ledger_transaction_1999_01 (LIKE ledger_transaction)")
    with pytest.raises(errors.InsufficientPrivilege), app.transaction():
        app.execute(
            "CREATE TABLE public.mine PARTITION OF ledger_transaction"
            " FOR VALUES FROM (MINVALUE) TO ('00000000-0000-0000-0000-000000000001')"
        )

    assert app.execute(count).fetchall() == before


def test_the_role_has_no_attributes_or_memberships(owner: psycopg.Connection) -> None:
    [attributes] = owner.execute(
        "SELECT rolsuper, rolcreatedb, rolcreaterole, rolbypassrls, rolreplication"
        " FROM pg_roles WHERE rolname = %s",
        [Role.APP],
    ).fetchall()
    [rights] = owner.execute(
        "SELECT has_schema_privilege(%(app)s, 'public', 'CREATE'),"
        " has_database_privilege(%(app)s, current_database(), 'CREATE'),"
        " pg_has_role(%(app)s, %(owner)s, 'MEMBER')",
        {"app": Role.APP, "owner": Role.OWNER},
    ).fetchall()

    assert (set(attributes), set(rights)) == ({False}, {False})
