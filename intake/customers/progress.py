"""Whether customers are being seeded right now, and how far it came."""

from datetime import timedelta

from django.db.models.functions import Greatest, Now

from intake.models import CustomerImport

#: A seeding that shows no life for this long no longer holds up the processor.
SILENCE_SECONDS = 30


def current_run() -> CustomerImport | None:
    """Return the seeding that is running and shows life, if there is one.

    While its source is being opened it is a run with the version "" and no lines yet.
    """
    # The database's clock, by which it beats, whatever this machine's says.
    return (
        CustomerImport.objects.filter(
            state=CustomerImport.State.RUNNING,
            heartbeat_at__gte=Now() - timedelta(seconds=SILENCE_SECONDS),
        )
        .order_by("-heartbeat_at")
        .first()
    )


def latest_run() -> CustomerImport | None:
    """Return the seeding that showed life last, if there ever was one: running, done or broken off.

    It runs if it is `current_run`, too.
    """
    # One that stops sets its last sign of life back, so that nobody waits for it.
    return CustomerImport.objects.order_by(Greatest("created_at", "heartbeat_at").desc()).first()
