"""The endpoints `/password/reset*`: resetting a forgotten password."""

from django.http import HttpResponse
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.password_hashing import hashing_unit_of_work
from accounts.password_reset import confirm_reset, request_reset
from api.accounts.bodies import ResetAnswer, ResetBody, ResetConfirmationBody
from api.http.client_address import client_network
from api.http.rate_limits import count_password_attempt, enforce_rate_limit
from api.http.renderer import json_response
from api.http.schema import operation
from api.http.views import ApiView, parse_body
from core.errors import InvalidInput
from core.unit_of_work import unit_of_work


class PublicView(ApiView):
    tag = "accounts"
    permission_classes = (AllowAny,)
    authentication_classes = ()


class ResetView(PublicView):
    """Answers the same for every address; a mail is sent only if it belongs to an account."""

    rate_limit_group = "reset_address"
    body = ResetBody()

    @operation(
        "password_reset",
        "Ask for a mail to reset a forgotten password",
        body=body,
        request_example={"email": "ada@example.com"},
        status=202,
        answer=ResetAnswer,
        answer_example={"status": "accepted"},
        without_token=True,
    )
    def post(self, request: Request) -> HttpResponse:
        fields = parse_body(request, self.body)
        count_password_attempt(request._request, where="reset", account=fields["email"])
        unit_of_work(lambda: request_reset(fields["email"]))
        return json_response({"status": "accepted"}, status=202)


class ResetConfirmationView(PublicView):
    """Sets the password and ends every session. A token can be used once."""

    rate_limit_group = "login_address"
    body = ResetConfirmationBody()

    @operation(
        "password_reset_confirm",
        "Set a new password with the token of the mail; ends all sessions",
        body=body,
        request_example={
            "uid": "9b2f5c1e-3a53-4c0e-9a0e-0d6c8f5b1a77",
            "token": "d1abcd-0123456789abcdef0123456789abcdef",
            "new_password": "battery-staple-9",
        },
        status=204,
        refusals=[InvalidInput({"token": ["Wrong, used or expired: ask for another one."]})],
        without_token=True,
    )
    def post(self, request: Request) -> HttpResponse:
        fields = parse_body(request, self.body)
        network = client_network(request._request)
        # For each network: ids are public, and only the right token leads to any hashing.
        enforce_rate_limit(
            request._request, group="reset_confirmation", subject=f"{fields['uid']} {network}"
        )
        hashing_unit_of_work(
            lambda: confirm_reset(
                fields["uid"], fields["token"], fields["new_password"], network=network
            )
        )
        return Response(status=204)
