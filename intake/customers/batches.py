"""Cutting a source's lines into batches of valid customers and rejected lines."""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

from accounts.errors import EmailTaken
from intake.customers.rejects import Reject
from intake.customers.rows import Customer, InvalidLine, NotAnObject, parse_customer
from intake.customers.source import Source, SourceError

BATCH_LINES = 5_000
#: At most this many batches are read and not yet committed.
BATCHES_IN_FLIGHT = 3
EMAIL_TAKEN = f"email: {EmailTaken.message}"


@dataclass(slots=True)
class Batch:
    """Lines that commit together.

    `skipped` is the number of lines before the batch, `lines` the number of lines in it,
    `position` the bytes of the source that are read with it.
    """

    skipped: int
    lines: int
    position: int
    customers: list[Customer] = field(default_factory=list)
    #: For each customer: its line number, counted from 1, and the text of the line.
    customer_lines: list[tuple[int, bytes]] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)


def read_batches(
    source: Source, *, skip: int, decimals_by_currency: Mapping[str, int]
) -> Iterator[Batch]:
    """Yield the source's batches after the first `skip` lines.

    No two of `BATCHES_IN_FLIGHT` consecutive batches hold the same email address, so they can be
    written concurrently without waiting for each other. Addresses that repeat at a greater
    distance, or that have an account already, are found by the database. A blank line is neither a
    customer nor rejected. Raises `SourceError` when reading fails, or when no line of the first
    batch is a JSON object.
    """
    lines = source.lines()
    skipped = sum(1 for _ in islice(lines, skip))
    recent_emails: deque[set[str]] = deque(maxlen=BATCHES_IN_FLIGHT - 1)
    while texts := list(islice(lines, BATCH_LINES)):
        batch = Batch(skipped, len(texts), source.position)
        earlier_emails = set().union(*recent_emails)
        emails: set[str] = set()
        objects = 0
        for line, text in enumerate(texts, start=skipped + 1):
            if text.isspace():
                continue
            try:
                customer = parse_customer(text, decimals_by_currency=decimals_by_currency)
            except InvalidLine as error:
                objects += not isinstance(error, NotAnObject)
                batch.rejects.append(Reject(line, str(error), text))
                continue
            objects += 1
            if customer.email in earlier_emails or customer.email in emails:
                batch.rejects.append(Reject(line, EMAIL_TAKEN, text))
                continue
            emails.add(customer.email)
            batch.customers.append(customer)
            batch.customer_lines.append((line, text))
        if skipped == 0 and objects == 0:
            raise SourceError(f"{source.name} is not JSON lines: one object on each line.")
        recent_emails.append(emails)
        skipped += len(texts)
        yield batch
