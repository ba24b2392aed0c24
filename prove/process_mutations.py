"""What a mutant changes in the processes of the service, in Python."""

import os
import re
from collections.abc import Callable
from typing import Any

#: Names the mutant in the environment of each process; empty for the service as it is.
VARIABLE = "PROVE_MUTANT"


def apply_in_process() -> None:
    """Change this process as its mutant requires. Wants Django set up."""
    change = _CHANGES.get(os.environ.get(VARIABLE, ""))
    if change is not None:
        change()


def _run_chunks_without_lease() -> None:
    """Let every processor work at any time."""
    from intake import processor

    processor.take_lease = lambda: None  # type: ignore[attr-defined]
    processor.HEARTBEAT_TIMEOUT_SECONDS = 0


def _count_refunds_without_lock() -> None:
    """Let refunds read what was refunded without waiting for each other."""
    from commerce import charges
    from commerce.models import Charge

    def read(transaction: Any) -> Charge:
        Charge.objects.bulk_create(
            [Charge(transaction_id=transaction.id, amount_minor=transaction.amount_minor)],
            ignore_conflicts=True,
        )
        return Charge.objects.get(pk=transaction.id)

    charges._lock = read


def _forget_keys() -> None:
    """Let every key lookup find nothing."""
    from api import idempotency

    idempotency.find_record = lambda *_: None  # type: ignore[attr-defined]


def _fill_up_half_requests() -> None:
    """Carry out a request whose body breaks off, as if the rest of it were white space."""
    from config.incoming import Incoming, ReceivedRequest

    def fill_up(incoming: Incoming, _reason: Exception) -> ReceivedRequest:
        head, _, body = bytes(incoming.data).partition(b"\r\n\r\n")
        incoming.data.clear()
        length = re.search(rb"Content-Length: (\d+)", head)
        padded = body.ljust(int(length[1]) if length else 0)
        return ReceivedRequest(head + b"\r\n\r\n" + padded, is_whole=True)

    Incoming.take_incomplete = fill_up  # type: ignore[assignment]


_CHANGES: dict[str, Callable[[], None]] = {
    "no lease of a chunk": _run_chunks_without_lease,
    "limits not atomic": _count_refunds_without_lock,
    "keys forgotten": _forget_keys,
    "half requests carried out": _fill_up_half_requests,
}
