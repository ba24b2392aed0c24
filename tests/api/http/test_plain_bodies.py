"""The short way through a body decides as the long way does."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rest_framework.exceptions import ValidationError
from rest_framework.fields import empty

from api.accounts.bodies import ClientProfileBody
from api.by_token.bodies import RefundBody, TransferBody
from api.by_token.charge_batch import ChargeItemBody
from api.credits.bodies import CreditBody
from api.http.fields import Body
from api.intake.transactions import ItemBody
from api.resources.bodies import FundBody
from core.strict_json import NumberLiteral
from tests.factories import PHONE

# A loaded machine is no reason to fail.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
UUID = "0b8e3d56-7d0f-4b56-9f6a-5f0f4f4a8f11"

PLAIN: tuple[tuple[Body, dict[str, Any]], ...] = (
    (ItemBody(), {"value": "12.50", "customer": UUID, "latency": 3, "description": "Tea"}),
    (ItemBody(), {"amount": NumberLiteral("12.50"), "target": UUID}),
    (ChargeItemBody(), {"wallet": UUID, "amount": 5, "summary": "May", "reference": "a"}),
    (TransferBody(), {"source": UUID, "target": UUID, "amount": "1"}),
    (RefundBody(), {"transaction": UUID}),
    (FundBody(), {"walletId": UUID, "amount": 1, "idempotencyKey": " k "}),
    (CreditBody(), {"userId": UUID, "assetSymbol": "GOLD", "amount": 1, "description": "x"}),
    (ClientProfileBody(), {"first_name": "Ada", "last_name": "Lovelace", "phone_number": PHONE}),
)
_TEXT = st.text(max_size=6) | st.sampled_from(
    ["", " ", " a ", "a\x00", "\ud800", "x" * 501, "12.50", "-1", "1e3", UUID, UUID.upper(), PHONE]
)
_VALUES = (
    _TEXT
    | _TEXT.map(NumberLiteral)
    | st.none()
    | st.booleans()
    | st.integers()
    | st.lists(st.none(), max_size=1)
    | st.dictionaries(st.just("a"), st.none())
)


@pytest.mark.parametrize(("body", "fields"), PLAIN)
def test_what_is_plainly_right_goes_the_short_way(body: Body, fields: dict[str, Any]) -> None:
    assert body._plain(fields) is not empty
    assert body._plain(fields) == long_way(body, fields)


@PATIENT
@given(st.data())
def test_it_decides_as_the_long_way_does(data: st.DataObject) -> None:
    body, plain = data.draw(st.sampled_from(PLAIN))
    values = {name: st.just(plain[name]) | _VALUES for name in plain}
    others = {name: _VALUES for name in body.fields if name not in plain}
    fields = data.draw(st.fixed_dictionaries({}, optional={**values, **others, "colour": _TEXT}))

    assert decided(body, fields) == long_way(body, fields)


@pytest.mark.parametrize("sent", [None, [], "text", 7, True, empty])
def test_what_is_no_object_is_refused_as_before(sent: Any) -> None:
    assert decided(ItemBody(), sent) == long_way(ItemBody(), sent)


def long_way(body: Body, sent: Any) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Body, "_plain", lambda *_: empty)
        return decided(body, sent)


def decided(body: Body, sent: Any) -> Any:
    try:
        return body.run_validation(dict(sent) if isinstance(sent, dict) else sent)
    except ValidationError as error:
        return error.detail
