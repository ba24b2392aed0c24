"""Texts that people typed: what of them can be seen, and by which form passwords are compared."""

import re
import unicodedata
from functools import lru_cache

import idna
from django.core.exceptions import ValidationError

NOT_VISIBLE = "Contains no visible character."
#: Controls, formats (zero-width ones too), code points without a character, spaces, and marks,
#: which stand on a character.
_INVISIBLE_CATEGORIES = ("C", "Z", "M")
#: A braille pattern without dots, the place of an object, a musical symbol for no note.
_BLANK_SYMBOLS = "\u2800\ufffc\U0001d159"
#: Every space but that of ASCII.
_OTHER_SPACES = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")


def is_visible(text: str) -> bool:
    """Whether at least one character of the text can be seen."""
    return any(map(_can_be_seen, text))


def validate_visible(text: str) -> None:
    """Raise a `ValidationError` if nothing of the text can be seen."""
    if not is_visible(text):
        raise ValidationError(NOT_VISIBLE)


@lru_cache(4_096)
def is_ignored(character: str) -> bool:
    """Whether UTS #46 ignores the character, as it does a soft hyphen or a zero-width space."""
    try:
        return not character.isascii() and idna.uts46_remap(character, std3_rules=False) == ""
    except idna.IDNAError:
        return False


def password_form(password: str) -> str:
    """Return the password as it is compared: the OpaqueString profile of RFC 8265.

    Any space is that of ASCII, and the text is in NFC: keyboards differ in both.
    """
    return unicodedata.normalize("NFC", _OTHER_SPACES.sub(" ", password))


def _can_be_seen(character: str) -> bool:
    return (
        unicodedata.category(character)[0] not in _INVISIBLE_CATEGORIES
        and character not in _BLANK_SYMBOLS
        and not is_ignored(character)
    )
