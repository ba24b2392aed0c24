"""Formats of account fields, for sign-up and for the import of customers."""

from phonenumber_field.phonenumber import to_python

EMAIL_CHARACTERS = 254
NOT_A_PHONE_NUMBER = "Not a valid phone number such as +34666666666."


def is_phone_number(text: str) -> bool:
    """Whether the text is a valid phone number in E.164: `+` and ASCII digits."""
    number = to_python(text)
    return number is not None and number.is_valid() and number.as_e164 == text
