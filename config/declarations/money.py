"""What holds for wallets and for movements of money, and how the queue runs them."""

from decimal import Decimal

from config.declarations import kinds
from config.declarations.kinds import Group


class Rules(Group):
    heading = "Rules for money"

    max_wallets_by_client = kinds.whole(
        "WALLET_SERVICE_MAX_WALLETS_BY_CLIENT",
        0,
        least=0,
        help_text="A client may have this many cash wallets. 0 allows any number.",
    )
    adjustment_limit = kinds.amount(
        "WALLET_SERVICE_ADJUSTMENT_LIMIT",
        Decimal(1_000),
        help_text=(
            "An adjustment of a balance above this amount needs a second operator. The amount is in"
            " major units of whichever asset is adjusted. The service adds what the same operator"
            " adjusted alone in the 24 hours before, on all wallets of that asset. With 0, every"
            " adjustment needs a second operator."
        ),
    )
    idempotency_days = kinds.whole(
        "WALLET_SERVICE_IDEMPOTENCY_DAYS",
        30,
        least=1,
        most=3_660,
        help_text="The service keeps an idempotency key and its answer for this many days.",
    )


class Intake(Group):
    heading = "Intake"

    chunk_latency_ms = kinds.milliseconds(
        "WALLET_SERVICE_CHUNK_LATENCY_MS",
        1_000,
        help_text=(
            "The processor runs queued transactions in chunks. The latencies of a chunk's"
            " transactions add up to at most this many milliseconds."
        ),
    )
    max_wait_seconds = kinds.whole(
        "WALLET_SERVICE_MAX_WAIT_SECONDS",
        300,
        least=1,
        help_text=(
            "A queued transaction that is older than this many seconds runs before more valuable"
            " ones."
        ),
    )
    retry_seconds = kinds.whole(
        "WALLET_SERVICE_RETRY_SECONDS",
        3_600,
        least=1,
        help_text="A queued transaction that lacked balance runs again after this many seconds.",
    )
    max_attempts = kinds.whole(
        "WALLET_SERVICE_MAX_ATTEMPTS",
        24,
        least=1,
        most=10_000,
        help_text=(
            "A queued transaction runs this many times at most. If it still lacks balance then, it"
            " has failed."
        ),
    )
    seed_url = kinds.text(
        "WALLET_SERVICE_SEED_URL",
        allowed="path, https://… or s3://bucket/key of JSON lines, or empty",
        help_text=(
            "The worker imports the customers of this source once, when it starts, as"
            " `manage.py import_customers` does. The import needs a direct connection to the"
            " database, not one through a transaction pooler. When it is empty, the worker imports"
            " nothing."
        ),
    )
