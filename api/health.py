"""`GET /status`: whether the process is alive. `GET /api/v1/health`: whether money can move."""

from datetime import UTC, datetime
from functools import cache
from hmac import compare_digest
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpResponse
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request

from api.http.renderer import json_response
from api.http.schema import operation
from api.http.views import ApiView
from core.errors import Unavailable
from intake.status import processor_state
from ledger.partitions import EXISTING_PARTITIONS, months_ahead
from ops.listen_address import INSTALLATION_HEADER

UNAVAILABLE_MESSAGE = "A part that money needs is away: see `details`."


class StatusAnswer(serializers.Serializer[Any]):
    status = serializers.CharField()


class StatusView(ApiView):
    """Answers without the database, and counts towards no rate limit."""

    permission_classes = (AllowAny,)
    authentication_classes = ()
    throttle_classes = ()

    @operation(
        "status",
        "Is the process alive?",
        answer=StatusAnswer,
        answer_example={"status": "ok"},
        without_token=True,
    )
    def get(self, request: Request) -> HttpResponse:
        response = json_response({"status": "ok"})
        asked_for = request.headers.get(INSTALLATION_HEADER, "")
        if compare_digest(asked_for.encode(), settings.INSTALLATION.encode()):
            response[INSTALLATION_HEADER] = asked_for
        return response


class HealthAnswer(serializers.Serializer[Any]):
    status = serializers.CharField()
    database = serializers.CharField()
    migrations = serializers.CharField()
    partitions = serializers.CharField()
    processor = serializers.CharField()


class HealthView(ApiView):
    """Answers 503 when a part without which no money can move is unavailable."""

    permission_classes = (AllowAny,)
    authentication_classes = ()
    throttle_classes = ()

    @operation(
        "health",
        "Can money move?",
        answer=HealthAnswer,
        answer_example={
            "status": "ok",
            "database": "ok",
            "migrations": "ok",
            "partitions": "ok",
            "processor": "stopped",
        },
        without_token=True,
    )
    def get(self, request: Request) -> HttpResponse:
        if _database() != "ok":
            unknown = dict.fromkeys(("migrations", "partitions", "processor"), "unknown")
            raise Unavailable(UNAVAILABLE_MESSAGE, database="away", **unknown)
        parts = {
            "database": "ok",
            "migrations": _migrations(),
            "partitions": _partitions(),
            "processor": _processor(),
        }
        if parts["migrations"] != "ok" or parts["partitions"] in ("missing", "unknown"):
            raise Unavailable(UNAVAILABLE_MESSAGE, **parts)
        return json_response({"status": "ok", **parts})


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (OperationalError, InterfaceError):
        return "away"
    return "ok"


def _migrations() -> str:
    try:
        return "ok" if _all_applied() else "pending"
    except (OperationalError, InterfaceError):
        return "unknown"


def _partitions() -> str:
    """Check the ledger's partition for this month. A missing next one is reported, not an error."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(EXISTING_PARTITIONS)
            existing = {name for (name,) in cursor.fetchall()}
    except DatabaseError:
        return "unknown"
    ahead = months_ahead(existing, datetime.now(UTC).date())
    return "missing" if ahead < 0 else "ok" if ahead else "next_month_missing"


def _processor() -> str:
    """Return the processor's state. Money can move without it: it never fails the check."""
    try:
        return processor_state()
    except DatabaseError:
        return "unknown"


class _MigrationsPending(Exception):
    """Raised so that only the positive result is cached: migrations can be applied later."""


@cache
def _require_all_applied() -> None:
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise _MigrationsPending


def _all_applied() -> bool:
    try:
        _require_all_applied()
    except _MigrationsPending:
        return False
    return True
