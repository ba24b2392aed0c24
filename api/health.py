"""`GET /status`: whether the process lives. `GET /api/v1/health`: whether money can move."""

from datetime import UTC, datetime
from functools import cache
from typing import Any

from django.db import DatabaseError, InterfaceError, OperationalError, connection
from django.db.migrations.executor import MigrationExecutor
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from api.http.schema import operation
from api.http.views import ApiView
from core.errors import Unavailable
from intake.status import processor_state
from ledger.partitions import EXISTING_PARTITIONS, months_ahead

AWAY = "A part that money needs is away: see `details`."


class StatusAnswer(serializers.Serializer[Any]):
    status = serializers.CharField()


class StatusView(ApiView):
    """Alive. It asks nothing of the database and counts towards no limit."""

    permission_classes = (AllowAny,)
    authentication_classes = ()
    throttle_classes = ()

    @operation(
        "status", "Is the process alive?", answer=StatusAnswer, shown={"status": "ok"}, public=True
    )
    def get(self, request: Request) -> Response:
        return Response({"status": "ok"})


class HealthAnswer(serializers.Serializer[Any]):
    status = serializers.CharField()
    database = serializers.CharField()
    migrations = serializers.CharField()
    partitions = serializers.CharField()
    processor = serializers.CharField()


class HealthView(ApiView):
    """Says 503 when a part that money needs is away."""

    permission_classes = (AllowAny,)
    authentication_classes = ()
    throttle_classes = ()

    @operation(
        "health",
        "Can money move?",
        answer=HealthAnswer,
        shown={
            "status": "ok",
            "database": "ok",
            "migrations": "ok",
            "partitions": "ok",
            "processor": "stopped",
        },
        public=True,
    )
    def get(self, request: Request) -> Response:
        if _database() != "ok":
            unknown = dict.fromkeys(("migrations", "partitions", "processor"), "unknown")
            raise Unavailable(AWAY, database="away", **unknown)
        parts = {
            "database": "ok",
            "migrations": _migrations(),
            "partitions": _partitions(),
            "processor": _processor(),
        }
        if parts["migrations"] != "ok" or parts["partitions"] in ("missing", "unknown"):
            raise Unavailable(AWAY, **parts)
        return Response({"status": "ok", **parts})


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
    """Whether the ledger has a place for this month. The next one's absence is only told."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(EXISTING_PARTITIONS)
            existing = {name for (name,) in cursor.fetchall()}
    except DatabaseError:
        return "unknown"
    ahead = months_ahead(existing, datetime.now(UTC).date())
    return "missing" if ahead < 0 else "ok" if ahead else "next_month_missing"


def _processor() -> str:
    """Not a part that money needs: its absence is told and fails nothing."""
    try:
        return processor_state()
    except DatabaseError:
        return "unknown"


class _Pending(Exception):
    """Keeps a `no` out of the cache: what is applied stays applied, what is pending may not."""


@cache
def _applied() -> None:
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise _Pending


def _all_applied() -> bool:
    try:
        _applied()
    except _Pending:
        return False
    return True
