"""OpenAPI: documents what an operation takes, answers and refuses, with an example of each."""

import inspect
from collections import defaultdict
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any, TypeVar

from drf_spectacular.extensions import OpenApiSerializerExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
)
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from api.http.dry_runs import DRY_RUN
from api.http.errors import (
    NotAcceptable,
    RequestTimeout,
    UnsupportedMediaType,
    error_body,
    status_of,
)
from api.http.exception_handler import invalid_input
from api.http.fields import KEY_SCHEMA, Body, TextField
from api.http.renderer import as_json_values
from api.http.schema_headers import headers_of
from core.errors import (
    InvalidInput,
    InvalidToken,
    Malformed,
    NotAuthenticated,
    PayloadTooLarge,
    RateLimited,
    Refusal,
    Unavailable,
)
from core.idempotency import IdempotencyKeyReused

View = TypeVar("View", bound=Callable[..., Any])

_EVERY_CALL: tuple[Refusal, ...] = (
    NotAcceptable(),
    RequestTimeout(),
    RateLimited(retry_after_seconds=7),
    Unavailable(),
)
_WITH_TOKEN: tuple[Refusal, ...] = (NotAuthenticated(), InvalidToken())
_WITH_BODY: tuple[Refusal, ...] = (Malformed(), PayloadTooLarge(), UnsupportedMediaType())
_WITH_KEY: tuple[Refusal, ...] = (IdempotencyKeyReused(),)
_KEY = OpenApiParameter(
    "Idempotency-Key",
    KEY_SCHEMA,
    OpenApiParameter.HEADER,
    # No example: Swagger UI would send it with each call, and the second call would be refused.
    description="Makes the call safe to repeat: the same key and request get the first answer."
    " For instance `3f0c8a52-order-1017`.",
)

_DRY_RUN = OpenApiParameter(
    DRY_RUN,
    {"type": "string", "enum": ["true"]},
    OpenApiParameter.HEADER,
    # No example, for the same reason: it would try instead of do.
    description="`true`: answer what the call would, refusals too, and keep nothing of it. Ids of"
    " what is not kept are null.",
)


class ErrorBody(serializers.Serializer[Any]):
    """The body of every error. Programs switch on `code`; `details` is data."""

    statusCode = serializers.IntegerField()
    timestamp = serializers.DateTimeField()
    path = serializers.CharField()
    error = serializers.CharField()
    message = serializers.CharField()
    code = serializers.CharField()
    details = serializers.DictField()
    requestId = serializers.CharField()


class BodyScheme(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    """Add to the schema of every `Body`: no undeclared fields, and no blank texts."""

    target_class = Body
    match_subclasses = True

    def map_serializer(self, auto_schema: AutoSchema, direction: str) -> dict[str, Any]:
        schema: dict[str, Any] = auto_schema._map_serializer(  # type: ignore[no-untyped-call]
            self.target, direction, bypass_extensions=True
        )
        if not schema.get("properties"):
            return schema
        for name, field in self.target.fields.items():
            if isinstance(field, TextField) and not field.allow_blank:
                schema["properties"][name].setdefault("minLength", 1)
        return {**schema, "additionalProperties": False}


class Schema(AutoSchema):
    """The schema of a view; the tag is the view's `tag`, the id the name of its operation."""

    def get_description(self) -> str:  # type: ignore[override]
        """Return the docstring of the view class itself, not one inherited from a base."""
        return inspect.cleandoc(type(self.view).__dict__.get("__doc__") or "")

    def get_operation_id(self) -> str:
        return str(self._method.operation_name).format(first=self.path.split("/")[1])

    def get_tags(self) -> list[str]:
        return [getattr(self.view, "tag", "service")]

    def get_auth(self) -> list[dict[str, Any]]:
        """Return the security schemes; the empty one only where the token is optional."""
        schemes: list[dict[str, Any]] = super().get_auth()
        if self._method.has_optional_token:
            return schemes
        return [scheme for scheme in schemes if scheme]

    def get_override_parameters(self) -> list[Any]:
        """Return the parameters that an operation has by what its view is."""
        return [_DRY_RUN] if self._can_be_tried else []

    def get_operation(self, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        documented: dict[str, Any] | None = super().get_operation(*args, **kwargs)
        if documented is None:
            return None
        parameters = {parameter["name"] for parameter in documented.get("parameters", ())}
        for status, response in documented["responses"].items():
            response["headers"] = headers_of(
                HTTPStatus(int(status)),
                takes_idempotency_key="Idempotency-Key" in parameters,
                has_link_header=self._method.has_link_header,
                can_be_tried=self._can_be_tried,
            )
        return documented

    @property
    def _can_be_tried(self) -> bool:
        return self.method == "POST" and getattr(self.view, "can_be_tried", False)

    @property
    def _method(self) -> Any:
        return getattr(self.view, self.method.lower())


def operation(
    name: str,
    summary: str,
    *,
    body: Body | None = None,
    request_example: Any = None,
    query: type[Body] | None = None,
    status: int = 200,
    answer: Any = None,
    answer_example: Any = None,
    refusals: Sequence[Refusal | type[Refusal]] = (),
    without_token: bool = False,
    optional_token: bool = False,
    takes_idempotency_key: bool = False,
    link_header: bool = False,
    respond_async: tuple[OpenApiParameter, Any, Any] | None = None,
) -> Callable[[View], View]:
    """Document a view method. `{first}` in its name stands for the first part of the path.

    `body`, `query` and `answer` are serializers. `refusals` are those of this operation alone: the
    refusals of the token, the body, the idempotency key and of every call are added.
    `link_header`: the answer has a `Link` to the next page. `respond_async`: the `Prefer` header
    that queues the call instead, the serializer of its 202 and an example of that answer.
    """
    if not any(isinstance(refusal, InvalidInput) for refusal in refusals):
        if body is not None:
            refusals = (*refusals, _invalid_body(body))
        if query is not None:
            refusals = (*refusals, _invalid_query(query()))
    known = [
        *(() if without_token else _WITH_TOKEN),
        *(() if body is None else _WITH_BODY),
        *(_WITH_KEY if takes_idempotency_key else ()),
        *refusals,
        *_EVERY_CALL,
    ]
    documented = extend_schema(
        summary=summary,
        request=body,
        examples=(
            [] if body is None else [_example("Request", request_example or {}, request_only=True)]
        ),
        parameters=[
            *([query] if query else []),
            *([_KEY] if takes_idempotency_key else []),
            *([respond_async[0]] if respond_async else []),
        ],
        responses={
            status: _success(answer, answer_example),
            **({202: _success(respond_async[1], respond_async[2])} if respond_async else {}),
            **_errors(known),
        },
        auth=[] if without_token else None,
    )

    def decorate(view: View) -> View:
        decorated: View = documented(view)
        decorated.operation_name = name  # type: ignore[attr-defined]
        decorated.has_optional_token = optional_token  # type: ignore[attr-defined]
        decorated.has_link_header = link_header  # type: ignore[attr-defined]
        return decorated

    return decorate


def _invalid_body(body: Body) -> Refusal:
    """Return what the body answers to nothing at all, or to null where it requires nothing."""
    first = next(iter(body.fields), None)
    try:
        body.run_validation({})
        body.run_validation({"extra": 1} if first is None else {first: None})
    except ValidationError as error:
        return invalid_input(error)
    raise AssertionError(f"{body} takes everything.")


def _invalid_query(query: Body) -> Refusal:
    """Return what the query answers to a value that makes no sense."""
    first = "limit" if "limit" in query.fields else next(iter(query.fields))
    try:
        query.run_validation({first: "x"})
    except ValidationError as error:
        return invalid_input(error)
    raise AssertionError(f"{query} takes everything.")


def _success(answer: Any, example: Any) -> OpenApiResponse:
    if answer is None:
        return OpenApiResponse(description="Done; the answer has no body.")
    # The generator itself puts the example of an item into an array.
    items = example if isinstance(example, list) else [example]
    names = ["Success", *(f"Success, {number}" for number in range(2, len(items) + 1))]
    examples = [_example(name, item) for name, item in zip(names, items, strict=True)]
    return OpenApiResponse(answer, description="Done.", examples=examples)


def _errors(refusals: Sequence[Refusal | type[Refusal]]) -> dict[int, OpenApiResponse]:
    by_status: dict[int, list[Refusal]] = defaultdict(list)
    for refusal in refusals:
        instance = refusal() if isinstance(refusal, type) else refusal
        by_status[int(status_of(instance))].append(instance)
    return {
        status: OpenApiResponse(
            ErrorBody,
            description=", ".join(f"`{code}`" for code in dict.fromkeys(r.code for r in instances)),
            examples=_refusal_examples(instances),
        )
        for status, instances in sorted(by_status.items())
    }


def _refusal_examples(refusals: Sequence[Refusal]) -> list[OpenApiExample]:
    """Return an example of each refusal that says something of its own, under a name of its own."""
    examples: list[OpenApiExample] = []
    bodies_by_code: dict[str, list[Any]] = defaultdict(list)
    for refusal in refusals:
        body = error_body(refusal, path="/the/path")
        body |= {"timestamp": "2026-01-31T12:00:00.000Z", "requestId": "5f1c5f0e-…"}
        same = bodies_by_code[refusal.code]
        if body not in same:
            same.append(body)
            number = f", {len(same)}" if len(same) > 1 else ""
            examples.append(_example(f"{refusal.code}{number}", body))
    return examples


def _example(name: str, value: Any, *, request_only: bool = False) -> OpenApiExample:
    return OpenApiExample(
        name, as_json_values(value), request_only=request_only, response_only=not request_only
    )
