"""`manage.py clean_up`: what has outlived its days. Run it daily."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.cache import caches
from django.core.management.base import BaseCommand
from django.utils import timezone
from knox.models import AuthToken

from core.cache import CounterCache
from core.models import IdempotencyRecord


class Command(BaseCommand):
    help = "Delete expired tokens, old idempotency records and the counters of past minutes."

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        kept_since = now - timedelta(days=settings.IDEMPOTENCY_DAYS)
        tokens, _ = AuthToken.objects.filter(expiry__lt=now).delete()
        records, _ = IdempotencyRecord.objects.filter(created_at__lt=kept_since).delete()
        counters = caches["counters"]
        counted = counters.delete_expired() if isinstance(counters, CounterCache) else 0
        self.stdout.write(f"Deleted {tokens} tokens, {records} records, {counted} counters.")
