"""Customers by their phone number, or by the start of a name."""

import uuid

from django.db.models import Q
from phonenumber_field.phonenumber import PhoneNumber
from phonenumber_field.phonenumber import to_python as to_phone_number

from accounts.models import Client, Company


def phone_number_of(text: str) -> PhoneNumber | None:
    """Return the text as a phone number, which begins with `+`, or None."""
    phone_number = to_phone_number(text)
    return phone_number if phone_number and phone_number.is_valid() else None


def customers_by_profile(text: str, *, count: int) -> list[uuid.UUID]:
    """Return at most `count` ids of users with this phone number, or whose names begin like this.

    Each word begins the first or the last name, or the whole text a company's. Neither has an
    index: PostgreSQL reads all profiles, limited by the statement timeout.
    """
    phone_number = phone_number_of(text)
    if phone_number:
        condition = Q(phone_number=phone_number)
    else:
        condition = Q()
        for word in text.split():
            condition &= Q(first_name__istartswith=word) | Q(last_name__istartswith=word)
    clients = Client.objects.filter(condition).values_list("pk", flat=True)
    companies = Company.objects.filter(condition | Q(name__istartswith=text))
    return [*clients[:count], *companies.values_list("pk", flat=True)[:count]][:count]
