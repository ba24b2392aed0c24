"""How the service runs: its keys, its logs, its processes and its address."""

from config import validators
from config.declarations import kinds
from config.declarations.kinds import Group


class Keys(Group):
    heading = "Keys"

    secret_key = kinds.text(
        "WALLET_SERVICE_SECRET_KEY",
        "the-demo-key-is-public-and-refused-outside-the-demo",
        allowed="text, not empty",
        check=validators.not_empty,
        help_text=(
            "This key signs cookies and fingerprints of requests, and pay tokens are derived from"
            " it. The default is public, so the service refuses it together with DATABASE_URL. This"
            " command makes a key:\n"
            "`python3 -c 'import secrets; print(secrets.token_urlsafe(48))'`"
        ),
    )
    secret_key_fallbacks = kinds.parsed(
        "WALLET_SERVICE_SECRET_KEY_FALLBACKS",
        allowed="keys separated by spaces",
        parser=validators.words,
        help_text=(
            "The service used these keys before WALLET_SERVICE_SECRET_KEY; the newest comes first."
            " It still accepts what they signed: sessions, links in mails, and the fingerprints"
            " that recognise a repeated request. It also needs them to show a pay token again in a"
            " repeated answer. Keep an old key here for WALLET_SERVICE_IDEMPOTENCY_DAYS after you"
            " replaced it."
        ),
    )


class Logs(Group):
    heading = "Logs, metrics and traces"

    log_level = kinds.choice(
        "WALLET_SERVICE_LOG_LEVEL",
        "info",
        options=("debug", "info", "warning", "error", "critical"),
        help_text="The service logs messages of this level and of the levels above it.",
    )
    log_format = kinds.choice(
        "WALLET_SERVICE_LOG_FORMAT",
        "",
        options=("", "plain", "json"),
        help_text=(
            "Each line of the log has this format. An empty value means json with DATABASE_URL, and"
            " plain in the demo."
        ),
    )
    debug_mode = kinds.flag(
        "WALLET_SERVICE_DEBUG_MODE",
        False,
        help_text=(
            "With True, error pages show the internals of the service. Never set it where strangers"
            " can call the service."
        ),
    )
    metrics_token = kinds.text(
        "WALLET_SERVICE_METRICS_TOKEN",
        help_text=(
            "A caller of /metrics must send this bearer token. When it is empty, everyone may read"
            " the metrics."
        ),
    )
    otel_exporter_otlp_endpoint = kinds.text(
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        allowed="URL such as http://collector:4318, or empty",
        check=validators.http_url,
        help_text=(
            "The service sends its traces to this collector, by OTLP over HTTP. The other variables"
            " of OpenTelemetry, such as OTEL_TRACES_SAMPLER, apply as well. When it is empty, the"
            " service sends no traces."
        ),
    )
    smoke_email = kinds.text(
        "WALLET_SERVICE_SMOKE_EMAIL",
        help_text=(
            "`manage.py smoke` logs in with this email address, and moves a cent there and back."
            " Its first run signs the account up."
        ),
    )
    smoke_password = kinds.text(
        "WALLET_SERVICE_SMOKE_PASSWORD",
        help_text="`manage.py smoke` logs in with this password.",
    )


class Processes(Group):
    heading = "Processes"

    workers = kinds.whole(
        "WALLET_SERVICE_WORKERS",
        2,
        least=1,
        most=256,
        help_text="The web server runs this many processes.",
    )
    threads = kinds.whole(
        "WALLET_SERVICE_THREADS",
        16,
        least=1,
        most=256,
        help_text="Each process of the web server answers this many requests at a time.",
    )
    database_connections = kinds.whole(
        "WALLET_SERVICE_DATABASE_CONNECTIONS",
        6,
        least=2,
        most=256,
        help_text=(
            "Each process of the web server holds at most this many connections to the database,"
            " and as many to the replica. A request that needs one waits until another one is done"
            " with it, for five seconds at most. Then the answer is 503."
        ),
    )
    head_timeout_ms = kinds.milliseconds(
        "WALLET_SERVICE_HEAD_TIMEOUT_MS",
        10_000,
        help_text=(
            "The whole head of a request must arrive within this many milliseconds. Otherwise the"
            " answer is 408, so that a slow sender occupies no thread."
        ),
    )
    body_timeout_ms = kinds.milliseconds(
        "WALLET_SERVICE_BODY_TIMEOUT_MS",
        30_000,
        help_text=(
            "The whole body of a request must arrive within this many milliseconds after its head."
            " Otherwise the answer is 408."
        ),
    )
    answer_timeout_ms = kinds.milliseconds(
        "WALLET_SERVICE_ANSWER_TIMEOUT_MS",
        600_000,
        help_text=(
            "A client must take its whole answer within this many milliseconds. Otherwise it loses"
            " the connection."
        ),
    )
    answer_bytes_per_second = kinds.whole(
        "WALLET_SERVICE_ANSWER_BYTES_PER_SECOND",
        1_000,
        least=1,
        most=1_000_000,
        help_text=(
            "A client must take its answer at this speed or faster, over every ten seconds."
            " Otherwise it loses the connection."
        ),
    )


class Address(Group):
    heading = "Address"

    host = kinds.text(
        "HOST",
        "127.0.0.1",
        allowed="address or name",
        check=validators.not_empty,
        help_text="The web server listens on this address.",
    )
    port = kinds.whole(
        "PORT", 8000, least=1, most=65_535, help_text="The web server listens on this port."
    )
    allowed_hosts = kinds.parsed(
        "WALLET_SERVICE_ALLOWED_HOSTS",
        "localhost 127.0.0.1",
        allowed="host names separated by spaces",
        parser=validators.hosts,
        help_text=(
            "Clients may call the service by these names and addresses. A leading dot includes all"
            " subdomains, and `*` allows every name."
        ),
    )
    public_url = kinds.text(
        "WALLET_SERVICE_PUBLIC_URL",
        allowed="URL such as https://wallet.example, or empty",
        check=validators.page,
        help_text=(
            "People reach the service under this URL. Links of payment requests begin with it, and"
            " their QR codes. When it is empty, they begin with the address that the caller called."
        ),
    )
    allowed_origins = kinds.parsed(
        "WALLET_SERVICE_ALLOWED_ORIGINS",
        "http://localhost:8000 http://127.0.0.1:8000",
        allowed="origins separated by spaces",
        parser=validators.origins,
        help_text="Web pages of these origins may call the service from a browser.",
    )
    https = kinds.choice(
        "WALLET_SERVICE_HTTPS",
        "",
        options=("", "on", "off"),
        help_text=(
            "With on, callers must use HTTPS, which a proxy in front of the service speaks. The"
            " service redirects plain HTTP to HTTPS, except for probes and for programs on the same"
            " machine. It tells browsers to remember this for a year, and sends cookies over HTTPS"
            " only. An empty value means on with DATABASE_URL, and off in the demo."
        ),
    )
    trusted_proxies = kinds.parsed(
        "WALLET_SERVICE_TRUSTED_PROXIES",
        allowed="addresses or networks such as `10.0.0.5 172.16.0.0/12`",
        parser=validators.networks,
        help_text=(
            "These proxies stand in front of the service. The service believes X-Forwarded-For and"
            " X-Forwarded-Proto from them, and from nobody else. Callers behind any other proxy all"
            " have the proxy's address, and share its rate limits."
        ),
    )
