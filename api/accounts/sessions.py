"""The endpoints `/client/*` and `/company/*`: sign up, log in, log out, change the password."""

from typing import ClassVar

from django.http import HttpResponse
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import services
from accounts.errors import EmailTaken, InvalidCredentials
from accounts.models import Role
from accounts.password_hashing import hashing_unit_of_work
from api.accounts.bodies import (
    ClientSessionAnswer,
    ClientSignUpBody,
    CompanySessionAnswer,
    CompanySignUpBody,
    CredentialsBody,
    NothingBody,
    PasswordBody,
)
from api.http.authentication import caller_of
from api.http.client_address import client_address, client_network
from api.http.fields import Body
from api.http.rate_limits import count_password_attempt, enforce_rate_limit
from api.http.renderer import json_response
from api.http.schema import operation
from api.http.views import ApiView, parse_body
from core import metrics
from core.errors import PermissionDenied
from core.times import rfc3339
from core.unit_of_work import unit_of_work

CREDENTIALS = {"email": "ada@example.com", "password": "correct-horse-7"}
PERSON = {"first_name": "Ada", "last_name": "Lovelace", "phone_number": "+34666666666"}
COMPANY = {"name": "Corner Shop", "url": "https://shop.example.com", **PERSON}
SESSION = {"token": "c0ffee…", "expiry": "2026-02-01T12:00:00.000Z"}
AN_ID = "9b2f5c1e-3a53-4c0e-9a0e-0d6c8f5b1a77"


class AccountView(ApiView):
    """An endpoint that exists once for clients and once for companies."""

    tag = "accounts"
    role: ClassVar[Role]
    #: The field of the answer that holds the account's id.
    id_field: ClassVar[str]

    def session_answer(self, session: services.Session, status: int) -> HttpResponse:
        return json_response(
            {
                "token": session.token,
                "expiry": rfc3339(session.expiry),
                self.id_field: session.user.pk,
            },
            status=status,
        )


class SignUpView(AccountView):
    permission_classes = (AllowAny,)
    authentication_classes = ()
    rate_limit_group = "signup"
    body: ClassVar[Body]

    def sign_up(self, request: Request) -> HttpResponse:
        fields = parse_body(request, self.body)
        network = client_network(request._request)
        # For each network: otherwise a stranger could keep an address from ever signing up.
        enforce_rate_limit(
            request._request, group="signup_account", subject=f"{fields['email']} {network}"
        )
        session = hashing_unit_of_work(
            lambda: services.sign_up(
                role=self.role,
                email=fields["email"],
                password=fields["password"],
                profile=fields[self.role],
                network=network,
            )
        )
        return self.session_answer(session, 201)


class LogInView(AccountView):
    permission_classes = (AllowAny,)
    authentication_classes = ()
    rate_limit_group = "login_address"
    body = CredentialsBody()

    def log_in(self, request: Request) -> HttpResponse:
        fields = parse_body(request, self.body)
        network = client_network(request._request)
        count_password_attempt(request._request, where="login", account=fields["email"])
        try:
            session = hashing_unit_of_work(
                lambda: services.log_in(role=self.role, network=network, **fields)
            )
        except InvalidCredentials:
            metrics.LOGIN_FAILURES.labels(self.role).inc()
            raise
        return self.session_answer(session, 200)


class ClientSignUpView(SignUpView):
    role = Role.CLIENT
    id_field = "customer"
    body = ClientSignUpBody()

    @operation(
        "client_signup",
        "Sign up as a client",
        body=body,
        request_example={**CREDENTIALS, "client": PERSON},
        status=201,
        answer=ClientSessionAnswer,
        answer_example={**SESSION, "customer": AN_ID},
        refusals=[EmailTaken],
        without_token=True,
    )
    def post(self, request: Request) -> HttpResponse:
        return self.sign_up(request)


class CompanySignUpView(SignUpView):
    role = Role.COMPANY
    id_field = "company"
    body = CompanySignUpBody()

    @operation(
        "company_signup",
        "Sign up as a company",
        body=body,
        request_example={**CREDENTIALS, "company": COMPANY},
        status=201,
        answer=CompanySessionAnswer,
        answer_example={**SESSION, "company": AN_ID},
        refusals=[EmailTaken],
        without_token=True,
    )
    def post(self, request: Request) -> HttpResponse:
        return self.sign_up(request)


class ClientLogInView(LogInView):
    role = Role.CLIENT
    id_field = "customer"

    @operation(
        "client_login",
        "Log in as a client",
        body=LogInView.body,
        request_example=CREDENTIALS,
        answer=ClientSessionAnswer,
        answer_example={**SESSION, "customer": AN_ID},
        refusals=[InvalidCredentials, PermissionDenied],
        without_token=True,
    )
    def post(self, request: Request) -> HttpResponse:
        return self.log_in(request)


class CompanyLogInView(LogInView):
    role = Role.COMPANY
    id_field = "company"

    @operation(
        "company_login",
        "Log in as a company",
        body=LogInView.body,
        request_example=CREDENTIALS,
        answer=CompanySessionAnswer,
        answer_example={**SESSION, "company": AN_ID},
        refusals=[InvalidCredentials, PermissionDenied],
        without_token=True,
    )
    def post(self, request: Request) -> HttpResponse:
        return self.log_in(request)


class LogOutView(ApiView):
    """Ends the session of the token; both paths do the same."""

    tag = "accounts"
    body = NothingBody()

    @operation(
        "{first}_logout",
        "End this session; its token is invalid from then on",
        body=body,
        status=204,
    )
    def post(self, request: Request) -> HttpResponse:
        parse_body(request, self.body)
        unit_of_work(lambda: services.log_out(request.auth))
        return Response(status=204)


class LogOutEverywhereView(ApiView):
    """Ends every session of the caller."""

    tag = "accounts"
    body = NothingBody()

    @operation(
        "{first}_logout_everywhere", "End every session of the caller", body=body, status=204
    )
    def post(self, request: Request) -> HttpResponse:
        parse_body(request, self.body)
        unit_of_work(lambda: services.log_out_everywhere(caller_of(request)))
        return Response(status=204)


class PasswordView(ApiView):
    """Changes the caller's password; every other session ends."""

    tag = "accounts"
    body = PasswordBody()

    @operation(
        "{first}_change_password",
        "Change the password; ends all other sessions",
        body=body,
        request_example={"current_password": "correct-horse-7", "new_password": "battery-staple-9"},
        status=204,
        refusals=[InvalidCredentials],
    )
    def post(self, request: Request) -> HttpResponse:
        fields = parse_body(request, self.body)
        caller, network = caller_of(request), client_network(request._request)
        count_password_attempt(request._request, where="password", account=caller.email)
        hashing_unit_of_work(
            lambda: services.change_password(
                caller,
                kept_token=request.auth,
                address=client_address(request._request),
                network=network,
                **fields,
            )
        )
        return Response(status=204)
