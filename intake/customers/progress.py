"""Which import is running, and which was the last."""

from datetime import timedelta

from django.db.models.functions import Greatest, Now

from intake.models import CustomerImport

#: An import whose heartbeat is older than this counts as stopped: the processor goes on.
SILENCE_SECONDS = 30


def current_import_run() -> CustomerImport | None:
    """Return the run that is running and has a recent heartbeat, or None.

    While its source is being opened, its version is "" and it has no lines yet.
    """
    # By the database's clock, which sets the heartbeat: this machine's clock may be wrong.
    return (
        CustomerImport.objects.filter(
            state=CustomerImport.State.RUNNING,
            heartbeat_at__gte=Now() - timedelta(seconds=SILENCE_SECONDS),
        )
        .order_by("-heartbeat_at")
        .first()
    )


def latest_import_run() -> CustomerImport | None:
    """Return the run with the latest heartbeat, whatever its state, or None if there is no run.

    It is running only if it is also `current_import_run`.
    """
    # `release_run` sets a stopped run's heartbeat into the past, maybe before its creation.
    return CustomerImport.objects.order_by(Greatest("created_at", "heartbeat_at").desc()).first()
