"""The lists of two accounts' failed attempts, by which `failed_attempts.sql` limits them."""

from django.conf import settings
from django.db import connection

from core.unit_of_work import requires_unit_of_work
from ledger.dry_runs import seconds_until_tried
from ledger.orders import Order
from wallets.references import wallet_ref


def seconds_until_recorded(order: Order) -> int:
    """Return in how many seconds a failure of this order, denied just now, goes on record.

    In a dry run that its payer has no room for, in how many seconds another may try.
    """
    until_tried = seconds_until_tried(order)
    if until_tried is not None:
        return until_tried
    owners = sorted(
        str(wallet_ref(wallet_id).owner_id) for wallet_id in (order.source_id, order.target_id)
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT ceil(extract(epoch FROM interval '1 hour' - (current_moment()"
            "            - failed_at[cardinality(failed_at) - %s + 1])))::integer"
            "  FROM ledger_failedattempts WHERE one_id = %s AND other_id = %s",
            [settings.FAILED_ATTEMPTS, *owners],
        )
        row = cursor.fetchone()
    # It may have gone on in the meantime.
    return max(1, (row and row[0]) or 1)


@requires_unit_of_work
def delete_old_attempts() -> int:
    """Delete the lists of which no attempt counts any more, and return how many there were.

    It locks them in no order, as the role may lock none without deleting it. A batch that fails in
    several of them at once may be in its way: the unit of work then tries again.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM ledger_failedattempts"
            " WHERE failed_at[cardinality(failed_at)] <= current_moment() - interval '1 hour'"
        )
        return int(cursor.rowcount)
