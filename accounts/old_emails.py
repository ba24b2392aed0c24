"""Email addresses of before 0.4.0, which are not all in canonical form.

Two rows could have one mailbox, and some addresses have no canonical form. Nobody can log in by one
that stays as it is, so `doctor` reports them, and `manage.py change_email` mends them.
"""

from collections.abc import Iterator
from uuid import UUID

from django.db import connection

from accounts.email_addresses import canonical_email

# The others, which are ASCII without A-labels and without an IP address, are in canonical form.
_SUSPECTS = """
    SELECT id, email FROM accounts_user
     WHERE octet_length(email) <> char_length(email) OR email LIKE '%]' OR email LIKE '%xn--%'
     ORDER BY created_at, id
"""


def old_emails() -> Iterator[tuple[UUID, str, str | None]]:
    """Yield the accounts whose address is not in canonical form, the oldest first.

    That is the id, the address, and its canonical form or None.
    """
    with connection.cursor() as cursor:
        cursor.execute(_SUSPECTS)
        suspects = cursor.fetchall()
    for user_id, email in suspects:
        try:
            form = canonical_email(email)
        except ValueError:
            form = None
        if form != email:
            yield user_id, email, form


def rewrite_old_emails() -> list[UUID]:
    """Write the addresses in canonical form. Return the ids of the accounts that keep theirs.

    An account keeps its address when that has no canonical form, or when another account has it:
    one that had it before, or else the oldest of those that come to it.
    """
    kept = []
    with connection.cursor() as cursor:
        for user_id, _, form in list(old_emails()):
            rewritten = 0
            if form is not None:
                cursor.execute(
                    "UPDATE accounts_user SET email = %(form)s WHERE id = %(id)s"
                    " AND NOT EXISTS (SELECT FROM accounts_user WHERE email = %(form)s)",
                    {"id": user_id, "form": form},
                )
                rewritten = cursor.rowcount
            if not rewritten:
                kept.append(user_id)
    return kept
