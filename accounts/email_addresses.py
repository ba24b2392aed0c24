"""The one form of an email address, in which it is stored, compared and mailed.

It is ASCII in lower case. After the `@` stand A-labels by IDNA 2008 (UTS #46, non-transitional), so
`bücher.example`, however it is written, and `xn--bcher-kva.example` are one domain, and `faß.de` is
another one than `fass.de`.
"""

from functools import lru_cache

import idna
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from core.texts import is_ignored

EMAIL_CHARACTERS = 254
NOT_AN_EMAIL = "Enter a valid email address."
#: More than any domain that has A-labels, also with each letter decomposed.
_MAX_TYPED_CHARACTERS = 1_000
_MAX_DOMAINS = 4_096


def canonical_email(text: str) -> str:
    """Return the form of the address; what surrounds it, as spaces, is the caller's business.

    Raises `ValueError` for what is no address, for one whose local part is not ASCII, or is quoted,
    or whose domain has no A-labels (as an IP address in brackets), for one that holds a code point
    which UTS #46 ignores, and for a form of more than `EMAIL_CHARACTERS` characters.
    """
    local_part, at, domain = text.rpartition("@")
    # Python's `lower` makes ASCII of the Kelvin sign: only what is ASCII already may get there.
    # A quoted local part is another spelling of one without quotes.
    is_plain = local_part.isascii() and '"' not in local_part
    if not at or not is_plain or len(domain) > _MAX_TYPED_CHARACTERS:
        raise ValueError(NOT_AN_EMAIL)
    form = f"{local_part.lower()}@{_canonical_domain(domain)}"
    if len(form) > EMAIL_CHARACTERS:
        raise ValueError(f"Ensure this field has no more than {EMAIL_CHARACTERS} characters.")
    try:
        validate_email(form)
    except ValidationError as error:
        raise ValueError(NOT_AN_EMAIL) from error
    return form


@lru_cache(_MAX_DOMAINS)
def _canonical_domain(domain: str) -> str:
    """Return the domain's A-labels, or an empty text if it has none."""
    try:
        mapped = idna.uts46_remap(domain, std3_rules=True)
        if any(map(is_ignored, domain)):
            return ""
        return ".".join(map(_canonical_label, mapped.split(".")))
    except idna.IDNAError:
        return ""


def _canonical_label(label: str) -> str:
    """Return the A-label. Other labels of ASCII stay: `validate_email` knows what they may be."""
    if label.isascii() and not label.startswith("xn--"):
        return label
    return idna.alabel(label).decode("ascii")
