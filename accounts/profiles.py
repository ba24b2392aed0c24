"""Profiles: the name of an account, and the format of phone numbers."""

from phonenumber_field.phonenumber import to_python

from accounts.models import Role, User

NOT_A_PHONE_NUMBER = "Not a valid phone number such as +34666666666."


def is_phone_number(text: str) -> bool:
    """Whether the text is a valid phone number in E.164: `+` and ASCII digits."""
    number = to_python(text)
    return number is not None and number.is_valid() and number.as_e164 == text


def name_of(user: User) -> str:
    """Return a company's name, a person's full name; an operator has no name: an empty text."""
    if user.role == Role.OPERATOR:
        return ""
    return str(user.company if user.role == Role.COMPANY else user.client)
