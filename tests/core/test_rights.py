"""The rights of the service's role in the database, complete.

The service may read and write a new table unless a migration revokes rights; each new table needs
a line here that states which of the two is intended.
"""

from collections.abc import Iterator

import psycopg
import pytest
from django.conf import settings

from ops.embedded_postgres import Role

pytestmark = pytest.mark.skipif(
    not settings.IS_DEMO, reason="with DATABASE_URL the server has other roles"
)

ALL, ADD, READ = "DELETE INSERT SELECT UPDATE", "INSERT SELECT", "SELECT"
KEPT = "INSERT SELECT UPDATE"

TABLES = {
    "accounts_client": ALL,
    "accounts_company": ALL,
    "accounts_ownlimits": ALL,
    "accounts_user": KEPT,
    "accounts_user_groups": READ,
    "accounts_user_user_permissions": READ,
    "auth_group": READ,
    "auth_group_permissions": READ,
    "auth_permission": READ,
    "commerce_adjustmentrequest": ADD,
    "commerce_charge": ADD,
    "commerce_loneadjustment": ADD,
    "commerce_paymentrequest": ADD,
    "intake_processorstate": KEPT,
    "intake_queuedtransaction": KEPT,
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
    "ledger_entry": READ,
    "ledger_failedattempts": "DELETE SELECT",
    "ledger_transaction": READ,
    "ledger_verification": ADD,
    "otp_static_staticdevice": ALL,
    "otp_static_statictoken": ALL,
    "otp_totp_totpdevice": ALL,
    "procrastinate_events": ADD,
    "procrastinate_jobs": ALL,
    "procrastinate_periodic_defers": ALL,
    "procrastinate_workers": ALL,
    "wallets_approval": ADD,
    "wallets_asset": ADD,
    "wallets_paytoken": "DELETE INSERT SELECT",
    "wallets_statuschange": ADD,
    "wallets_wallet": ADD,
}
#: Single columns that may be updated.
COLUMNS = {
    ("commerce_adjustmentrequest", "decided_at"),
    ("commerce_adjustmentrequest", "decider_id"),
    ("commerce_adjustmentrequest", "decision_reason"),
    ("commerce_adjustmentrequest", "failure_code"),
    ("commerce_adjustmentrequest", "status"),
    ("commerce_adjustmentrequest", "transaction_id"),
    ("commerce_charge", "refunded_minor"),
    ("commerce_paymentrequest", "cancelled_at"),
    ("commerce_paymentrequest", "paid_at"),
    ("commerce_paymentrequest", "paid_minor"),
    ("commerce_paymentrequest", "payer_wallet_id"),
    ("commerce_paymentrequest", "status"),
    ("commerce_paymentrequest", "tip_minor"),
    ("commerce_paymentrequest", "transaction_id"),
    ("wallets_approval", "ended_at"),
    ("wallets_asset", "name"),
    ("wallets_paytoken", "revoked_at"),
    ("wallets_wallet", "charges"),
    ("wallets_wallet", "label"),
    ("wallets_wallet", "status"),
    ("wallets_wallet", "updated_at"),
}
#: Functions that run with the owner's rights.
AS_OWNER = {"ledger_post", "make_transaction_partitions"}


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
