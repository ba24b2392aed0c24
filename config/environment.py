"""What an operator may set: read at one place, checked all together.

`.env.example` documents each variable; a file `.env` beside it is read too, and what is exported
wins over it. The fields of `Environment` are the registry: any other `WALLET_SERVICE_*` does
nothing. `NAME_FILE` names a file that holds NAME, which keeps secrets out of the environment.
"""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal
from email.utils import parseaddr
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

import dj_database_url
from dotenv import dotenv_values
from environs import Env, EnvValidationError, FileAwareEnv, ValidationError
from environs import validate as valid

from config.mail import mail_server

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
    hosts = _parser(env, "hosts", _hosts)
    origins = _parser(env, "origins", _origins)
    networks = _parser(env, "networks", _networks)
    environment = Environment(
        log_level=env.str("WALLET_SERVICE_LOG_LEVEL", "info", validate=valid.OneOf(LOG_LEVELS)),
        log_format=env.str(
            "WALLET_SERVICE_LOG_FORMAT", "", validate=valid.OneOf(("", *LOG_FORMATS))
        ),
        metrics_token=env.str("WALLET_SERVICE_METRICS_TOKEN", ""),
        smoke_email=env.str("WALLET_SERVICE_SMOKE_EMAIL", ""),
        smoke_password=env.str("WALLET_SERVICE_SMOKE_PASSWORD", ""),
        secret_key=env.str("WALLET_SERVICE_SECRET_KEY", DEMO_SECRET_KEY, validate=_not_empty),
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
        password_reset_url=env.str("WALLET_SERVICE_PASSWORD_RESET_URL", "", validate=_page),
        email_url=env.str("WALLET_SERVICE_EMAIL_URL", "", validate=_mail_url),
        email_from=env.str(
            "WALLET_SERVICE_EMAIL_FROM", "Wallet Service <wallet@localhost>", validate=_sender
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
        data_dir=_directory(env.str("WALLET_SERVICE_DATA_DIR", ".data", validate=_not_empty)),
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
        lock_timeout_ms=_milliseconds(env, "WALLET_SERVICE_LOCK_TIMEOUT_MS", 5_000),
        statement_timeout_ms=_milliseconds(env, "WALLET_SERVICE_STATEMENT_TIMEOUT_MS", 15_000),
        database_url=env.str("DATABASE_URL", "", validate=_postgres_url),
        database_owner_url=env.str("DATABASE_OWNER_URL", "", validate=_postgres_url),
        database_direct_url=env.str("DATABASE_DIRECT_URL", "", validate=_postgres_url),
        database_replica_url=env.str("DATABASE_REPLICA_URL", "", validate=_postgres_url),
        redis_url=env.str("REDIS_URL", "", validate=_redis_url),
        otel_exporter_otlp_endpoint=env.str("OTEL_EXPORTER_OTLP_ENDPOINT", "", validate=_http_url),
        host=env.str("HOST", "127.0.0.1", validate=_not_empty),
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


def _hosts(value: str) -> tuple[str, ...]:
    hosts = tuple(value.split())
    for host in hosts:
        if not re.fullmatch(r"\*|\.?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?|\[[0-9a-fA-F:.]+\]", host):
            raise ValidationError(f"Must be host names separated by spaces, which {host!r} is not.")
    _not_empty(value.strip())
    return hosts


def _origins(value: str) -> tuple[str, ...]:
    origins = tuple(value.split())
    for origin in origins:
        if not _is_origin(origin):
            raise ValidationError(
                "Must be origins such as https://example.com separated by spaces,"
                f" which {origin!r} is not."
            )
    return origins


def _networks(value: str) -> tuple[IPv4Network | IPv6Network, ...]:
    try:
        networks = tuple(ip_network(text) for text in value.split())
    except ValueError:
        networks = ()
    # A network of everybody would believe what anybody writes.
    if len(networks) != len(value.split()) or not all(network.prefixlen for network in networks):
        raise ValidationError(
            "Must be addresses or networks such as 10.0.0.5 or 172.16.0.0/12, separated by spaces."
        )
    return networks


def _is_origin(value: str) -> bool:
    try:
        parts = urlsplit(value)
        # Reading the port checks it.
        authority = parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        return False
    canonical = f"{parts.scheme}://{parts.netloc}"
    safe = re.fullmatch(r"https?://[A-Za-z0-9.:\[\]_-]+", value)
    return bool(authority and safe and canonical == value)


def _not_empty(value: str) -> None:
    if not value:
        raise ValidationError("Must not be empty.")


def _postgres_url(value: str) -> None:
    if not value:
        return
    try:
        database: Mapping[str, Any] = dj_database_url.parse(value)
    except ValueError:
        database = {}
    if not database.get("NAME") or database["ENGINE"] != "django.db.backends.postgresql":
        raise ValidationError("Must be a URL such as postgresql://user:password@host:5432/wallet.")


def _page(value: str) -> None:
    if value and not re.fullmatch(r"https?://[^\s/#]+[^\s#]*", value):
        raise ValidationError("Must be a page such as https://app.example/reset, without a #.")


def _mail_url(value: str) -> None:
    if not value:
        return
    try:
        mail_server(value)
    except ValueError as error:
        message = "Must be a URL such as smtp://user:password@host:587."
        raise ValidationError(message) from error


def _sender(value: str) -> None:
    if "@" not in parseaddr(value)[1] or "\n" in value:
        raise ValidationError("Must be an address such as Wallet <wallet@example.com>.")


def _redis_url(value: str) -> None:
    if value and not re.match(r"(redis|rediss|unix)://.", value):
        raise ValidationError("Must be a URL such as redis://host:6379/0.")


def _http_url(value: str) -> None:
    if value and not re.match(r"https?://.", value):
        raise ValidationError("Must be a URL such as http://collector:4318.")
