"""`GET /assets`: what wallets can hold."""

from typing import Any

from django.http import HttpResponse
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request

from api.http.renderer import json_response
from api.http.schema import operation
from api.http.views import ApiView
from wallets.assets import all_assets

#: An asset never changes, but a new one shall be seen soon.
_CACHED_SECONDS = 60


class AssetAnswer(serializers.Serializer[Any]):
    symbol = serializers.CharField()
    name = serializers.CharField()
    decimals = serializers.IntegerField(help_text="How many digits an amount has after its point.")
    cash = serializers.BooleanField(help_text="Whether people deposit and withdraw it.")


class AssetsView(ApiView):
    """Cash first. An answer may be kept for a minute."""

    permission_classes = (AllowAny,)
    authentication_classes = ()

    @operation(
        "assets",
        "Which assets are there?",
        answer=AssetAnswer(many=True),
        answer_example=[
            {"symbol": "USD", "name": "US dollar", "decimals": 2, "cash": True},
            {"symbol": "GOLD", "name": "Gold", "decimals": 2, "cash": False},
        ],
        without_token=True,
    )
    def get(self, request: Request) -> HttpResponse:
        response = json_response(
            [
                {
                    "symbol": asset.symbol,
                    "name": asset.name,
                    "decimals": asset.decimals,
                    "cash": asset.is_cash,
                }
                for asset in all_assets()
            ]
        )
        response["Cache-Control"] = f"private, max-age={_CACHED_SECONDS}"
        return response
