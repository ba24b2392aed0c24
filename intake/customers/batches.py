"""Cutting a source's lines into batches: what is valid, and why the rest is not."""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

from accounts.errors import EmailTaken
from intake.customers.rejects import Reject
from intake.customers.rows import BrokenLine, Customer, NotAnObject, customer_of
from intake.customers.source import Source, SourceError

BATCH_LINES = 5_000
#: How many batches are in work at the same time, at most.
BATCHES_IN_WORK = 3
TAKEN = f"email: {EmailTaken.message}"


@dataclass(slots=True)
class Batch:
    """Lines that commit together: `lines` of them, after the `first` of the source."""

    first: int
    lines: int
    position: int
    customers: list[Customer] = field(default_factory=list)
    #: Of each customer: its line, counted from 1, and the text of it.
    places: list[tuple[int, bytes]] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)


def batches_of(source: Source, *, skip: int, decimals_of: Mapping[str, int]) -> Iterator[Batch]:
    """Yield the source's batches after the first `skip` lines.

    No two of `BATCHES_IN_WORK` consecutive ones hold the same email address, so they can be
    written at the same time without waiting for each other. What is further apart, or taken
    already, the database tells. Raises `SourceError` when it breaks off, or is no JSON lines.
    """
    lines = source.lines()
    first = sum(1 for _ in islice(lines, skip))
    recent: deque[set[str]] = deque(maxlen=BATCHES_IN_WORK - 1)
    while texts := list(islice(lines, BATCH_LINES)):
        batch = Batch(first, len(texts), source.position)
        known = set().union(*recent)
        emails: set[str] = set()
        objects = 0
        for line, text in enumerate(texts, start=first + 1):
            try:
                customer = customer_of(text, decimals_of=decimals_of)
            except BrokenLine as error:
                objects += not isinstance(error, NotAnObject)
                batch.rejects.append(Reject(line, str(error), text))
                continue
            objects += 1
            if customer.email in known or customer.email in emails:
                batch.rejects.append(Reject(line, TAKEN, text))
                continue
            emails.add(customer.email)
            batch.customers.append(customer)
            batch.places.append((line, text))
        if first == 0 and objects == 0:
            raise SourceError(f"{source.name} is not JSON lines: one object on each line.")
        recent.append(emails)
        first += len(texts)
        yield batch
