"""Django's settings. What an operator may change comes from `config.environment`."""

import hmac
import os
from datetime import timedelta
from typing import Any

from corsheaders.defaults import default_headers
from django.templatetags.static import static
from django.urls import reverse_lazy

from api.documentation import outline
from api.http.schema_headers import HEADERS
from config import content_policy
from config import environment as _environment
from config.database import PROFILE_VARIABLE, Profile, databases, timeouts
from config.logs import logging_config
from config.mail import mail_server
from core.connections import REPLICA

BASE_DIR = _environment.BASE_DIR
env = _environment.read()

# --- The service itself -----------------------------------------------------------------

IS_DEMO = env.is_demo
UNKNOWN_VARIABLES = _environment.unknown_variables()
DATA_DIR = env.data_dir
HOST = env.host
PORT = env.port
WORKERS = env.workers
THREADS = env.threads
# Who waits for a password to be hashed occupies a thread: half of them stay for other requests.
MOST_WAITING_FOR_HASHES = max(1, THREADS // 2)
LOG_LEVEL = env.log_level
LOG_FORM = env.log_form
METRICS_TOKEN = env.metrics_token
SMOKE_EMAIL = env.smoke_email
SMOKE_PASSWORD = env.smoke_password
MAX_WALLETS_BY_CLIENT = env.max_wallets_by_client
CHARGES = env.charges
CASH = env.cash
PUBLIC_URL = env.public_url.rstrip("/")
ADJUSTMENT_LIMIT = env.adjustment_limit
ADMIN_NEEDS_SECOND_FACTOR = env.needs_second_factor
IDEMPOTENCY_DAYS = env.idempotency_days
CHUNK_LATENCY_MS = env.chunk_latency_ms
MAX_WAIT_SECONDS = env.max_wait_seconds
RETRY_SECONDS = env.retry_seconds
MAX_ATTEMPTS = env.max_attempts
SEED_URL = env.seed_url
HEAD_TIMEOUT_MS = env.head_timeout_ms
BODY_TIMEOUT_MS = env.body_timeout_ms
ANSWER_TIMEOUT_MS = env.answer_timeout_ms
ANSWER_BYTES_PER_SECOND = env.answer_bytes_per_second
LOCK_TIMEOUT_MS = env.lock_timeout_ms
STATEMENT_TIMEOUT_MS = env.statement_timeout_ms
TRUSTED_PROXIES = env.trusted_proxies
FAILED_ATTEMPTS = env.failed_attempts
RATELIMIT_ENABLE = env.rate_limits == "on"
RATE_LIMITS = {
    "signup": env.rate_limit_signup,
    "signup_account": env.rate_limit_signup_account,
    "login_account_address": env.rate_limit_login_account_address,
    "login_account": env.rate_limit_login_account,
    "login_address": env.rate_limit_login_address,
    "admin_login_account_address": env.rate_limit_login_account_address,
    "admin_login_account": env.rate_limit_login_account,
    "admin_login_address": env.rate_limit_login_address,
    "password_account_address": env.rate_limit_login_account_address,
    "password_account": env.rate_limit_login_account,
    "code_account_address": env.rate_limit_login_account_address,
    "code_account": env.rate_limit_login_account,
    "reset_account_address": env.rate_limit_reset_account_address,
    "reset_account": env.rate_limit_reset_account,
    "reset_address": env.rate_limit_reset_address,
    "reset_confirmation": env.rate_limit_login_account_address,
    "invalid_tokens": env.rate_limit_invalid_tokens,
    "writes": env.rate_limit_writes,
    "reads": env.rate_limit_reads,
}

# --- Django -----------------------------------------------------------------------------

SECRET_KEY = env.secret_key
#: By which `doctor` knows whether a service is this installation's. It is told to nobody.
INSTALLATION = hmac.digest(
    SECRET_KEY.encode(), (env.database_url or str(env.data_dir)).encode(), "sha256"
).hex()
SECRET_KEY_FALLBACKS = list(env.secret_key_fallbacks)
DEBUG = env.debug_mode
ALLOWED_HOSTS = list(env.allowed_hosts)
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = False
# Money that moves by one statement where it can (`api.http.fast_path`). Off: by a unit of work.
FAST_PATH = True
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
LANGUAGE_CODE = "en-us"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"
STATIC_URL = "static/"
# Static files are served from the packages, so that `collectstatic` is not needed.
WHITENOISE_USE_FINDERS = True

INSTALLED_APPS = [
    # Before Django's: its commands of the same names win.
    "accounts",
    "unfold.apps.BasicAppConfig",
    "support.apps.SupportAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "knox",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "corsheaders",
    "csp",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "phonenumber_field",
    "procrastinate.contrib.django",
    "core",
    "wallets",
    "ledger",
    "commerce",
    "intake",
    "ops",
    "api",
    "support",
    "config",
]

MIDDLEWARE = [
    "api.http.middleware.RequestContextMiddleware",
    "api.http.security.ContentPolicyMiddleware",
    "api.metrics.MetricsMiddleware",
    "api.http.security.HttpsMiddleware",
    "config.path_middleware.PathMiddleware",
    "api.http.security.CorsMiddleware",
    # Refuses a Host that is not allowed, and sets the length of an answer.
    "django.middleware.common.CommonMiddleware",
    "api.http.middleware.BodyMiddleware",
]
# What only some paths need: the API knows neither sessions nor messages, nor files.
PATH_MIDDLEWARE = {
    "/admin/": [
        "support.error_pages.ErrorPageMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "support.session_age.SessionAgeMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django_otp.middleware.OTPMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
    ],
    f"/{STATIC_URL}": ["whitenoise.middleware.WhiteNoiseMiddleware"],
}

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        # Before those of the apps: some stand in place of unfold's.
        "DIRS": [BASE_DIR / "support" / "templates"],
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

A_YEAR = 365 * 24 * 60 * 60

# --- Data -------------------------------------------------------------------------------

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
PROFILE = Profile(os.environ.get(PROFILE_VARIABLE, Profile.WEB))
DATABASES = databases(env, PROFILE)
REPLICA_URL = env.database_replica_url
DATABASE_ROUTERS = ["core.replica.Router"] if REPLICA in DATABASES else []
# Behind a pooler a session keeps no settings, so each unit of work sets the timeouts.
TRANSACTION_TIMEOUTS = timeouts(env) if env.is_behind_pooler and PROFILE is Profile.WEB else {}

CACHES: dict[str, dict[str, Any]] = {
    # Separate in each process; only the admin uses it.
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
    "counters": (
        {"BACKEND": "core.redis_counters.RedisCounterCache", "LOCATION": env.redis_url}
        if env.redis_url
        else {"BACKEND": "core.counters.CounterCache", "LOCATION": "core_counter"}
    ),
}

# --- Permissions ------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.credentials.CredentialsBackend"]
PASSWORD_HASHERS = [
    "accounts.password_hashing.BoundedArgon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
# A token that is unused for this long expires early; None: never.
TOKEN_IDLE = timedelta(minutes=env.auth_token_idle_minutes) or None
PASSWORD_RESET_TIMEOUT = 60 * env.password_reset_minutes
PASSWORD_RESET_URL = env.password_reset_url
REST_KNOX = {
    "TOKEN_TTL": timedelta(hours=env.auth_token_expiration),
    "TOKEN_LIMIT_PER_USER": None,
    "AUTO_REFRESH": False,
}

# Only pages of the admin may send its forms. Origins that may call the API may not.
CSRF_FAILURE_VIEW = "support.error_pages.csrf_failure"
CSRF_TRUSTED_ORIGINS: list[str] = []
CORS_ALLOWED_ORIGINS = list(env.allowed_origins)
# Pages of other origins call the API with a token. Only the admin uses cookies.
CORS_URLS_REGEX = r"^/(?!admin(/|$))"
CORS_ALLOW_HEADERS = [*default_headers, "dry-run", "idempotency-key", "prefer", "x-request-id"]
CORS_EXPOSE_HEADERS = [
    "Dry-Run",
    "Idempotent-Replayed",
    "Link",
    "Location",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "X-Request-ID",
]
CONTENT_SECURITY_POLICY = {"DIRECTIVES": content_policy.DATA}
CONTENT_POLICIES = content_policy.PAGES
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

# gunicorn determines whether a request used HTTPS; it trusts only the headers of trusted proxies.
SECURE_SSL_REDIRECT = env.is_https
# Monitoring may use these paths without TLS.
SECURE_REDIRECT_EXEMPT = [r"^status$", r"^api/v1/health$", r"^metrics$"]
SECURE_HSTS_SECONDS = A_YEAR if env.is_https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.is_https
SECURE_HSTS_PRELOAD = env.is_https
SESSION_COOKIE_SECURE = env.is_https
SESSION_COOKIE_PATH = "/admin/"
CSRF_COOKIE_SECURE = env.is_https
CSRF_COOKIE_PATH = "/admin/"
SILENCED_SYSTEM_CHECKS = [
    # They look in MIDDLEWARE: HttpsMiddleware is a SecurityMiddleware, X-Frame-Options comes from
    # ContentPolicyMiddleware, and the admin's middleware is in PATH_MIDDLEWARE.
    "security.W001",
    "security.W002",
    "security.W003",
    "admin.E408",
    "admin.E409",
    "admin.E410",
]

# An admin session ends when it is idle, and in any case some hours after log-in.
SESSION_COOKIE_AGE = 60 * env.admin_idle_minutes
SESSION_SAVE_EVERY_REQUEST = True
SESSION_HOURS = env.admin_session_hours

# --- Mail -------------------------------------------------------------------------------

DEFAULT_FROM_EMAIL = env.email_from
EMAIL_TIMEOUT = 10
SENDS_MAIL = bool(env.email_url) or env.is_demo
if env.email_url:
    _server = mail_server(env.email_url)
    EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    EMAIL_HOST, EMAIL_PORT = _server.host, _server.port
    EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _server.user, _server.password
    EMAIL_USE_TLS, EMAIL_USE_SSL = _server.starts_tls, _server.is_tls
else:
    # The demo writes mails to files beside its database. Without a mail server, other installations
    # send none (SENDS_MAIL).
    EMAIL_BACKEND = "ops.mails.PrivateFileBackend"
    EMAIL_FILE_PATH = env.data_dir / "mails"

# --- The API ----------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["api.http.authentication.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["api.http.parser.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["api.http.renderer.ExactJSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "api.http.negotiation.Negotiation",
    "DEFAULT_THROTTLE_CLASSES": ["api.http.rate_limits.CallerThrottle"],
    "EXCEPTION_HANDLER": "api.http.exception_handler.exception_handler",
    "DEFAULT_SCHEMA_CLASS": "api.http.schema.Schema",
    "DEFAULT_METADATA_CLASS": None,
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Wallet Service",
    "DESCRIPTION": outline.INTRODUCTION,
    "TAGS": outline.TAGS,
    "SERVERS": [{"url": "/", "description": "This service"}],
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "api.documentation.outline.order_as_a_story",
    ],
    "VERSION": "0.5.0",
    "OAS_VERSION": "3.1.0",
    "SWAGGER_UI_DIST": "SIDECAR",
    # The models stand with the calls that use them.
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "defaultModelsExpandDepth": -1},
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SERVE_INCLUDE_SCHEMA": False,
    # The pages are open: a token that is no longer valid does not close them.
    "SERVE_AUTHENTICATION": [],
    "APPEND_COMPONENTS": {"headers": HEADERS},
    # Several responses have a `type` or a `status`: this names each set of values.
    "ENUM_NAME_OVERRIDES": {
        "TransactionKind": "ledger.kinds.Kind",
        "AccountKind": "accounts.models.Role",
        "CreditType": "api.credits.movements.CREDIT_TYPES",
        "WalletStatus": "wallets.models.Status",
        "HoldStatus": "ledger.models.HoldStatus",
        "TransactionStatus": "api.resources.wallet_details.TRANSACTION_STATUSES",
        "EntryStatus": "api.resources.wallet_details.ENTRY_STATUSES",
        "ProcessorState": "intake.status.PROCESSOR_STATES",
        "SeedingState": "intake.status.IMPORT_STATES",
    },
}

# --- Scheduled work ---------------------------------------------------------------------

# A worker that starts runs the jobs that fell due within the last day while none ran.
PROCRASTINATE_PERIODIC_DEFAULTS = {"max_delay": 24 * 60 * 60}

# --- The admin --------------------------------------------------------------------------

LOGIN_REDIRECT_URL = "admin:index"
OTP_TOTP_ISSUER = "Wallet Service"
FORMAT_MODULE_PATH = "support.formats"
UNFOLD = {
    "SITE_TITLE": "Wallet Service",
    "SITE_HEADER": "Wallet Service",
    "SITE_SYMBOL": "account_balance_wallet",
    "SITE_URL": "/api",
    "LOGIN": {"form": "support.forms.LogInForm"},
    "ACCOUNT": {
        "navigation": [
            {"title": "Second factor", "link": reverse_lazy("admin:second_factor_codes")},
            {"title": "Change password", "link": reverse_lazy("admin:password_change")},
        ]
    },
    "SITE_FAVICONS": [
        {
            "rel": "icon",
            "type": "image/svg+xml",
            "href": lambda _request: static("admin_desk/icon.svg"),
        }
    ],
    "STYLES": [lambda _request: static("admin_desk/desk.css")],
    "SCRIPTS": [lambda _request: static("admin_desk/charts.js")],
    "DASHBOARD_CALLBACK": "support.dashboard.dashboard",
    "SIDEBAR": {"navigation": "support.navigation.sidebar"},
}

# --- Logs -------------------------------------------------------------------------------

LOGGING = logging_config(level=env.log_level, form=env.log_form)
