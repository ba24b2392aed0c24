"""Fixtures of every test: a real database, whose books must balance after each test.

Tests run as the app's role, as the service does. Nothing is rolled back: each test commits, the
fixture `books` checks the ledger, and the owner deletes the test's rows.
"""

from collections.abc import Iterator

import hypothesis
import psycopg
import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import setup_databases, teardown_databases
from pytest_django import DjangoDbBlocker

from ledger.trial_balance import trial_balance
from ledger.verification import verify_wallets
from ops.embedded_postgres import Role
from tests.clock import Clock
from tests.http_client import Api
from tests.processes import Workers

# `--hypothesis-profile=long`: ten times as many examples, for `make fuzz`.
hypothesis.settings.register_profile("long", max_examples=1_000)

_CONNECTION = ("host", "port", "user", "password", "dbname")
#: The tables that are emptied after a test. Assets and system wallets stay.
_DIRTY_TABLES = (
    "commerce_adjustmentrequest",
    "commerce_charge",
    "commerce_loneadjustment",
    "commerce_paymentrequest",
    "intake_queuedtransaction",
    "intake_customerimport",
    "procrastinate_events",
    "procrastinate_periodic_defers",
    "procrastinate_jobs",
    "procrastinate_workers",
    "wallets_approval",
    "wallets_fee",
    "wallets_paytoken",
    "wallets_statuschange",
    "ledger_verification",
    "ledger_verificationrun",
    "ledger_transaction",
    "ledger_hold",
    "ledger_failedattempts",
    "ledger_dryrefusals",
    "core_idempotencyrecord",
    "core_counter",
    "accounts_supportaction",
    "accounts_ownlimits",
    "otp_static_statictoken",
    "otp_static_staticdevice",
    "otp_totp_totpdevice",
    "django_session",
    "knox_authtoken",
    "accounts_knownaddress",
    "accounts_client",
    "accounts_company",
)


@pytest.fixture(scope="session")
def owner_dsn(
    django_test_environment: None,
    django_db_modify_db_settings: None,
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[str]:
    """Migrate a new database and switch to the app's role; return the DSN of the owner."""
    with django_db_blocker.unblock():
        created = setup_databases(verbosity=0, interactive=False)
        owner = connection.settings_dict["USER"]
        given = connection.get_connection_params()
        dsn = psycopg.conninfo.make_conninfo(
            **{name: given[name] for name in _CONNECTION if given.get(name)}
        )
        connection.close()
        if settings.IS_DEMO:
            connection.settings_dict["USER"] = Role.APP
        yield dsn
        connection.close()
        connection.settings_dict["USER"] = owner
        teardown_databases(created, verbosity=0)


@pytest.fixture
def books(owner_dsn: str, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Give the test access to the database; at the end the books must balance."""
    with django_db_blocker.unblock():
        try:
            yield
            assert list(verify_wallets(ranges=1)) == []
            assert [line for line in trial_balance() if line.difference_minor] == []
        finally:
            connection.close()
            _clean(owner_dsn)


@pytest.fixture
def clock(owner_dsn: str, books: None) -> Iterator[Clock]:
    """The database's clock, which the test may move."""
    moved = Clock(owner_dsn)
    yield moved
    moved.move(0)


@pytest.fixture
def workers(books: None) -> Iterator[Workers]:
    """A starter of workers, each in its own process."""
    started = Workers()
    yield started
    started.close()


@pytest.fixture
def api(books: None) -> Api:
    """A client of the HTTP API without a token."""
    return Api()


def _clean(owner_dsn: str) -> None:
    with psycopg.connect(owner_dsn) as owner:
        # Only the owner may disable the append-only triggers, and only like this.
        owner.execute("SET session_replication_role = replica")
        for table in _DIRTY_TABLES:
            owner.execute(f"DELETE FROM {table}")
        owner.execute("DELETE FROM wallets_wallet WHERE owner_id IS NOT NULL")
        owner.execute("DELETE FROM accounts_user")
        owner.execute(
            "UPDATE intake_processorstate SET processor_id = NULL, heartbeat_at = NULL,"
            " current_chunk = NULL, last_chunk = NULL, completed = 0, failed = 0,"
            " attempt_totals = '{}'"
        )
