"""Whether customers are being seeded right now, and how far it came."""

from datetime import timedelta

from django.utils import timezone

from commerce.models import SeedRun

#: A seeding that shows no life for this long no longer holds up the processor.
SILENCE_SECONDS = 30


def current_run() -> SeedRun | None:
    """Return the seeding that is running and shows life, if there is one."""
    alive_since = timezone.now() - timedelta(seconds=SILENCE_SECONDS)
    return SeedRun.objects.filter(
        state=SeedRun.State.RUNNING, heartbeat_at__gte=alive_since
    ).first()


def latest_run() -> SeedRun | None:
    """Return the newest seeding, running or done, if there ever was one."""
    return SeedRun.objects.order_by("-created_at").first()
