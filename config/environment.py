"""What an operator may set: read at one place, checked all together.

`.env.example` documents each variable; a file `.env` beside it is read too, and what is exported
wins over it. The fields of `Environment` are the registry: any other `WALLET_SERVICE_*` does
nothing. `NAME_FILE` names a file that holds NAME, which keeps secrets out of the environment.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import TypeVar, cast

from dotenv import dotenv_values
from environs import Env, EnvValidationError, FileAwareEnv
from environs import validate as valid

from config import values

Parsed = TypeVar("Parsed")

BASE_DIR = Path(__file__).resolve().parent.parent
PREFIX = "WALLET_SERVICE_"
FILE_SUFFIX = "_FILE"
UNPREFIXED = (
    "DATABASE_URL",
    "DATABASE_OWNER_URL",
    "DATABASE_DIRECT_URL",
    "DATABASE_REPLICA_URL",
    "REDIS_URL",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "HOST",
    "PORT",
)

DEMO_SECRET_KEY = "the-demo-key-is-public-and-refused-outside-the-demo"  # noqa: S105
LOG_LEVELS = ("debug", "info", "warning", "error", "critical")
LOG_FORMATS = ("plain", "json")
TEN_YEARS_IN_HOURS = 10 * 366 * 24


class WrongSettings(Exception):
    """One or more variables are wrong. Its text has a line for each, which starts with the name."""

    def __init__(self, reasons: Mapping[str, Sequence[str]]) -> None:
        self.lines = [f"{name}: {' '.join(reasons[name])}" for name in reasons]
        super().__init__("\n".join(self.lines))


@dataclass(frozen=True, kw_only=True, slots=True)
class Environment:
    """The checked values. Their names in the environment are `VARIABLES`."""

    log_level: str
    log_format: str
    metrics_token: str
    smoke_email: str
    smoke_password: str
    secret_key: str
    secret_key_fallbacks: tuple[str, ...]
    debug_mode: bool
    allowed_hosts: tuple[str, ...]
    allowed_origins: tuple[str, ...]
    https: str
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...]
    auth_token_expiration: float
    auth_token_idle_minutes: int
    password_reset_minutes: int
    password_reset_url: str
    email_url: str
    email_from: str
    admin_idle_minutes: int
    admin_session_hours: float
    max_wallets_by_client: int
    adjustment_limit: Decimal
    admin_second_factor: str
    data_dir: Path
    idempotency_days: int
    rate_limits: str
    rate_limit_signup: str
    rate_limit_signup_account: str
    rate_limit_login_account: str
    rate_limit_login_address: str
    rate_limit_reset_account: str
    rate_limit_reset_address: str
    rate_limit_invalid_tokens: str
    rate_limit_writes: str
    rate_limit_reads: str
    chunk_latency_ms: int
    max_wait_seconds: int
    retry_seconds: int
    max_attempts: int
    seed_url: str
    workers: int
    threads: int
    head_timeout_ms: int
    body_timeout_ms: int
    lock_timeout_ms: int
    statement_timeout_ms: int
    database_url: str
    database_owner_url: str
    database_direct_url: str
    database_replica_url: str
    redis_url: str
    otel_exporter_otlp_endpoint: str
    host: str
    port: int

    @property
    def is_demo(self) -> bool:
        """Whether the embedded PostgreSQL is the database."""
        return not self.database_url

    @property
    def is_https(self) -> bool:
        """Whether callers must come by HTTPS."""
        return self.https == "on" if self.https else not self.is_demo

    @property
    def is_behind_pooler(self) -> bool:
        """Whether DATABASE_URL leads to a pooler such as PgBouncer, not to the server itself."""
        return bool(self.database_direct_url)

    @property
    def log_form(self) -> str:
        """How a line of the log looks: plain or json."""
        return self.log_format or ("plain" if self.is_demo else "json")

    @property
    def needs_second_factor(self) -> bool:
        """Whether nobody enters the admin by a password alone."""
        if self.admin_second_factor:
            return self.admin_second_factor == "on"
        # Nobody's money is in the demo, whose password every start prints.
        return not self.is_demo


VARIABLES = tuple(
    name if name in UNPREFIXED else PREFIX + name
    for name in (field.name.upper() for field in fields(Environment))
)


def read() -> Environment:
    """Read and check all variables. Raises `WrongSettings`, which names every wrong one."""
    env = FileAwareEnv(file_suffix=FILE_SUFFIX, eager=False, strip_whitespace=True)
    env_file = BASE_DIR / ".env"
    env.read_env(env_file, recurse=False)
    _require_files()
    hosts = _parser(env, "hosts", values.hosts)
    origins = _parser(env, "origins", values.origins)
    networks = _parser(env, "networks", values.networks)
    environment = Environment(
        log_level=env.str("WALLET_SERVICE_LOG_LEVEL", "info", validate=valid.OneOf(LOG_LEVELS)),
        log_format=env.str(
            "WALLET_SERVICE_LOG_FORMAT", "", validate=valid.OneOf(("", *LOG_FORMATS))
        ),
        metrics_token=env.str("WALLET_SERVICE_METRICS_TOKEN", ""),
        smoke_email=env.str("WALLET_SERVICE_SMOKE_EMAIL", ""),
        smoke_password=env.str("WALLET_SERVICE_SMOKE_PASSWORD", ""),
        secret_key=env.str("WALLET_SERVICE_SECRET_KEY", DEMO_SECRET_KEY, validate=values.not_empty),
        secret_key_fallbacks=tuple(env.str("WALLET_SERVICE_SECRET_KEY_FALLBACKS", "").split()),
        debug_mode=env.bool("WALLET_SERVICE_DEBUG_MODE", False),
        allowed_hosts=hosts("WALLET_SERVICE_ALLOWED_HOSTS", "localhost 127.0.0.1"),
        allowed_origins=origins(
            "WALLET_SERVICE_ALLOWED_ORIGINS", "http://localhost:8000 http://127.0.0.1:8000"
        ),
        https=env.str("WALLET_SERVICE_HTTPS", "", validate=valid.OneOf(("", "on", "off"))),
        trusted_proxies=networks("WALLET_SERVICE_TRUSTED_PROXIES", ""),
        auth_token_expiration=_hours(env, "WALLET_SERVICE_AUTH_TOKEN_EXPIRATION", 24.0),
        auth_token_idle_minutes=env.int(
            "WALLET_SERVICE_AUTH_TOKEN_IDLE_MINUTES", 0, validate=valid.Range(min=0)
        ),
        password_reset_minutes=env.int(
            "WALLET_SERVICE_PASSWORD_RESET_MINUTES", 60, validate=valid.Range(min=1, max=60 * 72)
        ),
        password_reset_url=env.str("WALLET_SERVICE_PASSWORD_RESET_URL", "", validate=values.page),
        email_url=env.str("WALLET_SERVICE_EMAIL_URL", "", validate=values.mail_url),
        email_from=env.str(
            "WALLET_SERVICE_EMAIL_FROM", "Wallet Service <wallet@localhost>", validate=values.sender
        ),
        admin_idle_minutes=env.int(
            "WALLET_SERVICE_ADMIN_IDLE_MINUTES", 30, validate=valid.Range(min=1, max=60 * 24)
        ),
        admin_session_hours=_hours(env, "WALLET_SERVICE_ADMIN_SESSION_HOURS", 12.0),
        max_wallets_by_client=env.int(
            "WALLET_SERVICE_MAX_WALLETS_BY_CLIENT", 0, validate=valid.Range(min=0)
        ),
        adjustment_limit=env.decimal(
            "WALLET_SERVICE_ADJUSTMENT_LIMIT", Decimal(1_000), validate=valid.Range(min=0)
        ),
        admin_second_factor=env.str(
            "WALLET_SERVICE_ADMIN_SECOND_FACTOR", "", validate=valid.OneOf(("", "on", "off"))
        ),
        data_dir=_directory(env.str("WALLET_SERVICE_DATA_DIR", ".data", validate=values.not_empty)),
        idempotency_days=env.int(
            "WALLET_SERVICE_IDEMPOTENCY_DAYS", 30, validate=valid.Range(min=1, max=3_660)
        ),
        rate_limits=env.str(
            "WALLET_SERVICE_RATE_LIMITS", "on", validate=valid.OneOf(("on", "off"))
        ),
        rate_limit_signup=_rate(env, "WALLET_SERVICE_RATE_LIMIT_SIGNUP", "30/m"),
        rate_limit_signup_account=_rate(env, "WALLET_SERVICE_RATE_LIMIT_SIGNUP_ACCOUNT", "10/m"),
        rate_limit_login_account=_rate(env, "WALLET_SERVICE_RATE_LIMIT_LOGIN_ACCOUNT", "10/m"),
        rate_limit_login_address=_rate(env, "WALLET_SERVICE_RATE_LIMIT_LOGIN_ADDRESS", "30/m"),
        rate_limit_reset_account=_rate(env, "WALLET_SERVICE_RATE_LIMIT_RESET_ACCOUNT", "10/h"),
        rate_limit_reset_address=_rate(env, "WALLET_SERVICE_RATE_LIMIT_RESET_ADDRESS", "120/h"),
        rate_limit_invalid_tokens=_rate(env, "WALLET_SERVICE_RATE_LIMIT_INVALID_TOKENS", "600/m"),
        rate_limit_writes=_rate(env, "WALLET_SERVICE_RATE_LIMIT_WRITES", "1200/m"),
        rate_limit_reads=_rate(env, "WALLET_SERVICE_RATE_LIMIT_READS", "3000/m"),
        chunk_latency_ms=_milliseconds(env, "WALLET_SERVICE_CHUNK_LATENCY_MS", 1_000),
        max_wait_seconds=env.int(
            "WALLET_SERVICE_MAX_WAIT_SECONDS", 300, validate=valid.Range(min=1)
        ),
        retry_seconds=env.int("WALLET_SERVICE_RETRY_SECONDS", 3_600, validate=valid.Range(min=1)),
        max_attempts=env.int(
            "WALLET_SERVICE_MAX_ATTEMPTS", 24, validate=valid.Range(min=1, max=10_000)
        ),
        seed_url=env.str("WALLET_SERVICE_SEED_URL", ""),
        workers=env.int("WALLET_SERVICE_WORKERS", 2, validate=valid.Range(min=1, max=256)),
        threads=env.int("WALLET_SERVICE_THREADS", 4, validate=valid.Range(min=1, max=256)),
        head_timeout_ms=_milliseconds(env, "WALLET_SERVICE_HEAD_TIMEOUT_MS", 10_000),
        body_timeout_ms=_milliseconds(env, "WALLET_SERVICE_BODY_TIMEOUT_MS", 30_000),
        lock_timeout_ms=_milliseconds(env, "WALLET_SERVICE_LOCK_TIMEOUT_MS", 5_000),
        statement_timeout_ms=_milliseconds(env, "WALLET_SERVICE_STATEMENT_TIMEOUT_MS", 15_000),
        database_url=env.str("DATABASE_URL", "", validate=values.postgres_url),
        database_owner_url=env.str("DATABASE_OWNER_URL", "", validate=values.postgres_url),
        database_direct_url=env.str("DATABASE_DIRECT_URL", "", validate=values.postgres_url),
        database_replica_url=env.str("DATABASE_REPLICA_URL", "", validate=values.postgres_url),
        redis_url=env.str("REDIS_URL", "", validate=values.redis_url),
        otel_exporter_otlp_endpoint=env.str(
            "OTEL_EXPORTER_OTLP_ENDPOINT", "", validate=values.http_url
        ),
        host=env.str("HOST", "127.0.0.1", validate=values.not_empty),
        port=env.int("PORT", 8000, validate=valid.Range(min=1, max=65_535)),
    )
    reasons: dict[str, Sequence[str]] = {}
    if environment.database_url and environment.secret_key == DEMO_SECRET_KEY:
        reasons["WALLET_SERVICE_SECRET_KEY"] = ["Must be a key of your own with DATABASE_URL."]
    if environment.is_demo:
        for name in ("DATABASE_DIRECT_URL", "DATABASE_REPLICA_URL"):
            if getattr(environment, name.lower()):
                reasons[name] = ["Wants a DATABASE_URL: the demo has its own database."]
    try:
        env.seal()
    except EnvValidationError as error:
        reasons = {**cast(Mapping[str, list[str]], error.error_messages), **reasons}
    if reasons:
        raise WrongSettings(reasons)
    return environment


def unknown_variables() -> list[str]:
    """Return the names that look like settings and are none: typos, or of another version.

    They keep nobody from starting, so that one file can serve two versions during an upgrade.
    """
    names = {*os.environ, *dotenv_values(BASE_DIR / ".env")}
    return sorted(
        name
        for name in names
        if name.startswith(PREFIX) and name.removesuffix(FILE_SUFFIX) not in VARIABLES
    )


def _require_files() -> None:
    """Raise `WrongSettings` unless every `NAME_FILE` can be read, and a database's names one."""
    reasons = {}
    for name in VARIABLES:
        path = os.environ.get(name + FILE_SUFFIX)
        if not path:
            continue
        try:
            text = Path(path).read_text()
        except (OSError, UnicodeDecodeError):
            reasons[name + FILE_SUFFIX] = [f"{path} cannot be read."]
        else:
            # Or what is to serve would serve the demo.
            if name.startswith("DATABASE_") and not text.strip():
                reasons[name + FILE_SUFFIX] = [f"{path} is empty."]
    if reasons:
        raise WrongSettings(reasons)


def _parser(env: Env, name: str, parse: Callable[[str], Parsed]) -> Callable[[str, str], Parsed]:
    env.add_parser(name, parse)
    parser: Callable[[str, str], Parsed] = getattr(env, name)
    return parser


def _rate(env: Env, name: str, default: str) -> str:
    per_time = valid.Regexp(
        r"[1-9][0-9]*/[0-9]*[smhd]\Z", error="Must be a count per time, such as 30/m."
    )
    return env.str(name, default, validate=per_time)


def _hours(env: Env, name: str, default: float) -> float:
    return env.float(
        name, default, validate=valid.Range(min=0, max=TEN_YEARS_IN_HOURS, min_inclusive=False)
    )


def _milliseconds(env: Env, name: str, default: int) -> int:
    return env.int(name, default, validate=valid.Range(min=1, max=3_600_000))


def _directory(value: str | None) -> Path:
    """Return the absolute path. A relative one starts at the project, wherever the command runs."""
    return (BASE_DIR / Path(value or "").expanduser()).resolve()
