"""How the queue runs what was accepted, and what is imported."""

from config.declarations import kinds
from config.declarations.kinds import Group


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
        help_text="A queued transaction that failed runs again after this many seconds.",
    )
    max_attempts = kinds.whole(
        "WALLET_SERVICE_MAX_ATTEMPTS",
        24,
        least=1,
        most=10_000,
        help_text=("A queued transaction runs this many times at most. Then its failure is final."),
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
