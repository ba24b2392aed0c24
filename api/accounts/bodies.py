"""Requests and answers of the accounts endpoints."""

from typing import Any

from django.core.validators import URLValidator
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.models import NAME_CHARACTERS
from accounts.profiles import EMAIL_CHARACTERS, NOT_A_PHONE_NUMBER, is_phone_number
from api.http.fields import Body, EmailField, IdField, TextField

PASSWORD_CHARACTERS = 512


@extend_schema_field({"type": "string", "pattern": r"^\+[1-9][0-9]{1,14}$"})
class PhoneField(TextField):
    """A phone number in E.164: `+` and ASCII digits."""

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if not is_phone_number(text):
            raise serializers.ValidationError(NOT_A_PHONE_NUMBER)
        return text


@extend_schema_field({"type": "string", "format": "uri", "maxLength": 200})
class UrlField(TextField):
    """An http or https URL."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.validators.append(URLValidator(schemes=["http", "https"]))


class ClientProfileBody(Body):
    first_name = TextField(max_length=NAME_CHARACTERS)
    last_name = TextField(max_length=NAME_CHARACTERS)
    phone_number = PhoneField(trim_whitespace=False)


class CompanyProfileBody(ClientProfileBody):
    name = TextField(max_length=NAME_CHARACTERS)
    url = UrlField(max_length=200)


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
