"""The endpoint `/me`."""

from typing import Any

from django.http import HttpResponse
from rest_framework import serializers
from rest_framework.request import Request

from accounts.models import Role
from accounts.profiles import name_of
from api.http.authentication import caller_of
from api.http.renderer import json_response
from api.http.schema import operation
from api.http.views import ApiView


class MeAnswer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=Role.choices)
    email = serializers.EmailField()
    name = serializers.CharField(help_text="A company's name, a person's; an operator has none.")


class MeView(ApiView):
    """Whose token this is."""

    tag = "accounts"

    @operation(
        "me",
        "Whose token this is",
        answer=MeAnswer,
        answer_example={
            "id": "9b2f5c1e-3a53-4c0e-9a0e-0d6c8f5b1a77",
            "kind": "client",
            "email": "ada@example.com",
            "name": "Ada Lovelace",
        },
    )
    def get(self, request: Request) -> HttpResponse:
        caller = caller_of(request)
        return json_response(
            {
                "id": caller.pk,
                "kind": caller.role,
                "email": caller.email,
                "name": name_of(caller),
            }
        )
