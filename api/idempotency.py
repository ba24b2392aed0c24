"""`GET /idempotency/<key>`: the answer recorded under a key."""

from decimal import Decimal
from typing import Any

import orjson
from django.http import HttpResponse
from rest_framework import serializers
from rest_framework.request import Request

from api.examples import WALLET
from api.http.idempotency import is_idempotency_key
from api.http.renderer import json_response
from api.http.schema import operation
from api.http.views import ApiView, caller_id
from core.errors import NotFound
from core.idempotency import find_record
from core.times import rfc3339


class IdempotencyAnswer(serializers.Serializer[Any]):
    key = serializers.CharField()
    state = serializers.ChoiceField(choices=["completed", "unknown"])
    statusCode = serializers.IntegerField(allow_null=True)
    body = serializers.JSONField()
    createdAt = serializers.DateTimeField(allow_null=True)


class IdempotencyView(ApiView):
    """The answer recorded under a key of the caller. `unknown`: none yet; it may be in flight.

    Sending the request again under the same key is always safe.
    """

    @operation(
        "idempotency_key",
        "The answer recorded under a key of the caller",
        answer=IdempotencyAnswer,
        answer_example={
            "key": "3f0c8a52-order-1017",
            "state": "completed",
            "statusCode": 200,
            "body": {"wallet": WALLET, "balance": Decimal("12.50")},
            "createdAt": "2026-01-31T12:00:00.000Z",
        },
        refusals=[NotFound],
    )
    def get(self, request: Request, key: str) -> HttpResponse:
        if not is_idempotency_key(key):
            raise NotFound
        record = find_record(caller_id(request), key)
        return json_response(
            {
                "key": key,
                "state": "completed" if record else "unknown",
                "statusCode": record.status_code if record else None,
                # The recorded bytes: parsing and rendering them again could change amounts.
                "body": orjson.Fragment(bytes(record.body)) if record else None,
                "createdAt": rfc3339(record.created_at) if record else None,
            }
        )
