"""`Body._validate_fast` decides as REST framework does."""

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

# Slow examples on a loaded machine are no failure.
SETTINGS = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
UUID = "0b8e3d56-7d0f-4b56-9f6a-5f0f4f4a8f11"

VALID: tuple[tuple[Body, dict[str, Any]], ...] = (
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


@pytest.mark.parametrize(("body", "fields"), VALID)
def test_valid_bodies_are_validated_fast(body: Body, fields: dict[str, Any]) -> None:
    assert body._validate_fast(fields) is not empty
    assert body._validate_fast(fields) == validated_by_rest_framework(body, fields)


@SETTINGS
@given(st.data())
def test_fast_validation_decides_as_rest_framework_does(data: st.DataObject) -> None:
    body, valid = data.draw(st.sampled_from(VALID))
    values = {name: st.just(valid[name]) | _VALUES for name in valid}
    other_fields = {name: _VALUES for name in body.fields if name not in valid}
    fields = data.draw(
        st.fixed_dictionaries({}, optional={**values, **other_fields, "colour": _TEXT})
    )

    assert validated(body, fields) == validated_by_rest_framework(body, fields)


@pytest.mark.parametrize("value", [None, [], "text", 7, True, empty])
def test_what_is_not_an_object_is_refused_as_by_rest_framework(value: Any) -> None:
    assert validated(ItemBody(), value) == validated_by_rest_framework(ItemBody(), value)


def validated_by_rest_framework(body: Body, value: Any) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Body, "_validate_fast", lambda *_: empty)
        return validated(body, value)


def validated(body: Body, value: Any) -> Any:
    try:
        return body.run_validation(dict(value) if isinstance(value, dict) else value)
    except ValidationError as error:
        return error.detail
