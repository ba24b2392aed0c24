"""`GET /assets`, and the other calls that anybody may make."""

import pytest

from tests.factories import a_client, an_uncashed_asset
from tests.http_client import Api
from wallets.models import Asset


def test_the_assets_are_named_cash_first(api: Api) -> None:
    an_uncashed_asset("GOLD", "Gold")

    reply = api.get("/assets")

    assert reply.status == 200
    assert {"symbol": "USD", "name": "US dollar", "decimals": 2, "cash": True} in reply.json
    assert {"symbol": "GOLD", "name": "Gold", "decimals": 2, "cash": False} in reply.json
    assert len(reply.json) == Asset.objects.count()
    is_cash = [asset["cash"] for asset in reply.json]
    assert is_cash == sorted(is_cash, reverse=True)


def test_the_assets_may_be_kept_for_a_minute(api: Api) -> None:
    assert api.get("/assets").headers["Cache-Control"] == "private, max-age=60"


@pytest.mark.parametrize("authorization", ["Token stale", "Bearer", "Basic YWRhOnB3", "nonsense"])
@pytest.mark.parametrize(
    "path",
    ["/assets", "/status", "/api/v1/health", "/api", "/api?script=", "/api/redoc", "/api/schema",
     "/metrics"],
)  # fmt: skip
def test_what_is_open_asks_for_no_token(api: Api, path: str, authorization: str) -> None:
    assert api.get(path, Authorization=authorization).status == 200


@pytest.mark.parametrize(
    ("path", "body"),
    [("/client/signup", {}), ("/company/login", {}), ("/password/reset", {}),
     ("/password/reset/confirm", {})],
)  # fmt: skip
def test_who_logs_in_may_send_a_stale_token(api: Api, path: str, body: dict[str, str]) -> None:
    reply = api.as_("stale").post(path, body)

    assert (reply.status, reply.code) == (422, "validation_error")


def test_a_lookup_that_shows_more_to_the_owner_refuses_a_stale_token(api: Api) -> None:
    path = f"/customer/{a_client().user.pk}"

    assert api.get(path).status == 200
    assert api.as_("stale").get(path).code == "invalid_token"
