"""What holds for those who call: their tokens and sessions, and how often they may call."""

from config import validators
from config.declarations import kinds
from config.declarations.kinds import Group


class Access(Group):
    heading = "Log-in, passwords and the admin"

    auth_token_expiration = kinds.hours(
        "WALLET_SERVICE_AUTH_TOKEN_EXPIRATION",
        24.0,
        help_text="A token ends this many hours after log-in; 0.5 is half an hour.",
    )
    auth_token_idle_minutes = kinds.whole(
        "WALLET_SERVICE_AUTH_TOKEN_IDLE_MINUTES",
        0,
        least=0,
        help_text=(
            "A token ends earlier when nobody uses it for this many minutes. A use prolongs it, at"
            " most once a minute. With 0, an unused token does not end earlier."
        ),
    )
    password_reset_minutes = kinds.whole(
        "WALLET_SERVICE_PASSWORD_RESET_MINUTES",
        60,
        least=1,
        most=60 * 72,
        help_text="A mail to reset a password is valid for this many minutes.",
    )
    password_reset_url = kinds.text(
        "WALLET_SERVICE_PASSWORD_RESET_URL",
        allowed="URL of a page without a #, or empty",
        check=validators.page,
        help_text=(
            "A mail to reset a password links to this page of yours. The page finds"
            " `#uid=…&token=…` in its address, and sends them to /password/reset/confirm together"
            " with the new password. When it is empty, the mail shows uid and token themselves."
        ),
    )
    admin_second_factor = kinds.choice(
        "WALLET_SERVICE_ADMIN_SECOND_FACTOR",
        "",
        options=("", "on", "off"),
        help_text=(
            "With on, operators need a second factor to enter the admin. With off, the admin asks"
            " only those operators for it who have set one up. An empty value means on with"
            " DATABASE_URL, and off in the demo."
        ),
    )
    admin_idle_minutes = kinds.whole(
        "WALLET_SERVICE_ADMIN_IDLE_MINUTES",
        30,
        least=1,
        most=60 * 24,
        help_text="A session of the admin ends when nobody uses it for this many minutes.",
    )
    admin_session_hours = kinds.hours(
        "WALLET_SERVICE_ADMIN_SESSION_HOURS",
        12.0,
        help_text="A session of the admin ends this many hours after log-in at the latest.",
    )


class Limits(Group):
    heading = "Rate limits"
    introduction = (
        "A rate limit is a count per time: 30/m allows 30 requests a minute, and 5/10m allows 5 in"
        " ten minutes. The units are s, m, h and d. The service counts sign-ups and log-ins before"
        " it hashes a password."
    )

    rate_limits = kinds.choice(
        "WALLET_SERVICE_RATE_LIMITS",
        "on",
        options=("on", "off"),
        help_text="With on, the service counts requests, and refuses those above a limit.",
    )
    rate_limit_signup = kinds.rate(
        "WALLET_SERVICE_RATE_LIMIT_SIGNUP",
        "30/m",
        help_text="One network address may sign up this often.",
    )
    rate_limit_signup_account = kinds.rate(
        "WALLET_SERVICE_RATE_LIMIT_SIGNUP_ACCOUNT",
        "10/m",
        help_text="Sign-ups from one network address may name the same email address this often.",
    )
    rate_limit_login_account_address = kinds.rate(
        "WALLET_SERVICE_RATE_LIMIT_LOGIN_ACCOUNT_ADDRESS",
        "10/m",
        help_text=(
            "Log-ins from one network address may name the same email address this often. Changes"
            " of a password, new passwords by mail, log-ins to the admin and codes of its second"
            " factor have a count of their own each, with the same limits."
        ),
    )
    rate_limit_login_account = kinds.rate(
        "WALLET_SERVICE_RATE_LIMIT_LOGIN_ACCOUNT",
        "100/m",
        help_text=(
            "Log-ins may name the same email address this often. A network address that got the"
            " account's password right in the last 30 days is not counted, so that nobody can"
            " keep the owner out."
        ),
    )
    rate_limit_login_address = kinds.rate(
        "WALLET_SERVICE_RATE_LIMIT_LOGIN_ADDRESS",
        "30/m",
        help_text=(
            "One network address may log in or confirm a new password this often, whatever account"
            " it names. The admin counts for itself."
        ),
    )
    rate_limit_reset_account_address = kinds.rate(
        "WALLET_SERVICE_RATE_LIMIT_RESET_ACCOUNT_ADDRESS",
        "10/h",
        help_text=(
            "Calls from one network address may ask to reset the password of the same email address"
            " this often."
        ),
    )
    rate_limit_reset_account = kinds.rate(
        "WALLET_SERVICE_RATE_LIMIT_RESET_ACCOUNT",
        "30/h",
        help_text=(
            "Calls may ask to reset the password of the same email address this often. A network"
            " address that got the account's password right in the last 30 days is not counted."
        ),
    )
    rate_limit_reset_address = kinds.rate(
        "WALLET_SERVICE_RATE_LIMIT_RESET_ADDRESS",
        "120/h",
        help_text="One network address may ask to reset a password this often.",
    )
    rate_limit_invalid_tokens = kinds.rate(
        "WALLET_SERVICE_RATE_LIMIT_INVALID_TOKENS",
        "600/m",
        help_text="One network address may send tokens that are not valid this often.",
    )
    rate_limit_writes = kinds.rate(
        "WALLET_SERVICE_RATE_LIMIT_WRITES",
        "1200/m",
        help_text=(
            "One caller may send other requests than GET and HEAD this often. A caller without a"
            " token is counted by network address."
        ),
    )
    rate_limit_reads = kinds.rate(
        "WALLET_SERVICE_RATE_LIMIT_READS",
        "3000/m",
        help_text=(
            "One caller may send GET and HEAD this often. A caller without a token is counted by"
            " network address."
        ),
    )
    failed_attempts = kinds.whole(
        "WALLET_SERVICE_FAILED_ATTEMPTS",
        1_000,
        least=1,
        most=10_000,
        help_text=(
            "Of two accounts, this many failed attempts to move money go on record in an hour."
            " The service refuses further ones and does not record them. This limit holds also with"
            " WALLET_SERVICE_RATE_LIMITS=off."
        ),
    )
