"""Requests and answers of the accounts endpoints."""

from typing import Any

from django.core.validators import URLValidator
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.fields import empty

from accounts.email_addresses import EMAIL_CHARACTERS
from accounts.models import NAME_CHARACTERS
from accounts.profiles import NOT_A_PHONE_NUMBER, is_phone_number
from api.http.fields import Body, EmailField, IdField, TextField
from core.texts import validate_visible

PASSWORD_CHARACTERS = 512
URL_CHARACTERS = 200


@extend_schema_field({"type": "string", "pattern": r"^\+[1-9][0-9]{1,14}$"})
class PhoneField(TextField):
    """A phone number in E.164: `+` and ASCII digits."""

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if not is_phone_number(text):
            raise serializers.ValidationError(NOT_A_PHONE_NUMBER)
        return text


class NameField(TextField):
    """A name, of which something can be seen."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=NAME_CHARACTERS, **kwargs)
        self.validators.append(validate_visible)


@extend_schema_field({"type": ["string", "null"], "format": "uri", "maxLength": URL_CHARACTERS})
class UrlField(TextField):
    """An http or https URL; null and the empty text say that there is none, which is null."""

    def __init__(self) -> None:
        super().__init__(max_length=URL_CHARACTERS, default=None)
        self.validators.append(URLValidator(schemes=["http", "https"]))

    def run_validation(self, data: Any = empty) -> str | None:
        return None if data in (None, "") else super().run_validation(data)


class ClientProfileBody(Body):
    first_name = NameField()
    last_name = NameField()
    phone_number = PhoneField(trim_whitespace=False)


class CompanyProfileBody(ClientProfileBody):
    name = NameField()
    url = UrlField()


class CredentialsBody(Body):
    email = EmailField(max_length=EMAIL_CHARACTERS)
    password = TextField(max_length=PASSWORD_CHARACTERS, trim_whitespace=False)


class ClientSignUpBody(CredentialsBody):
    client = ClientProfileBody()


class CompanySignUpBody(CredentialsBody):
    company = CompanyProfileBody()


class PasswordBody(Body):
    current_password = TextField(max_length=PASSWORD_CHARACTERS, trim_whitespace=False)
    new_password = TextField(max_length=PASSWORD_CHARACTERS, trim_whitespace=False)


class ResetBody(Body):
    email = EmailField(max_length=EMAIL_CHARACTERS)


class ResetConfirmationBody(Body):
    uid = IdField()
    token = TextField(max_length=100)
    new_password = TextField(max_length=PASSWORD_CHARACTERS, trim_whitespace=False)


class NothingBody(Body):
    """An empty object."""


class ResetAnswer(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=["accepted"])


class ClientSessionAnswer(serializers.Serializer[Any]):
    token = serializers.CharField()
    expiry = serializers.DateTimeField()
    customer = serializers.UUIDField()


class CompanySessionAnswer(serializers.Serializer[Any]):
    token = serializers.CharField()
    expiry = serializers.DateTimeField()
    company = serializers.UUIDField()
