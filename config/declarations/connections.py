"""The servers that the service uses: its databases and its mail server."""

from config import validators
from config.declarations import kinds
from config.declarations.kinds import Group, Setting


def _postgres_url(name: str, *, help_text: str) -> Setting[str]:
    return kinds.text(
        name,
        allowed="URL such as postgresql://user:password@host:5432/wallet, or empty",
        check=validators.postgres_url,
        help_text=help_text,
    )


class Data(Group):
    heading = "Data"

    database_url = _postgres_url(
        "DATABASE_URL",
        help_text=(
            "The service keeps all its data in this PostgreSQL database, version 18 or newer. When"
            " it is empty, the service is a demo: it runs a PostgreSQL of its own in"
            " WALLET_SERVICE_DATA_DIR."
        ),
    )
    database_owner_url = _postgres_url(
        "DATABASE_OWNER_URL",
        help_text=(
            "Migrations use this URL. It names the same database, with the role that owns the"
            " tables. If DATABASE_URL has a role of its own, that role must be called wallet_app:"
            " migrations grant it what it needs, but no right to change what the ledger recorded."
            " When it is empty, migrations use DATABASE_URL."
        ),
    )
    database_direct_url = _postgres_url(
        "DATABASE_DIRECT_URL",
        help_text=(
            "Set it when DATABASE_URL leads to a pooler, such as PgBouncer in transaction mode. It"
            " names the same database and the same role, without the pooler. Commands and the"
            " processor use it, and the web server keeps no state in a database session."
            " DATABASE_OWNER_URL must bypass the pooler, too. When it is empty, the service expects"
            " no pooler."
        ),
    )
    database_replica_url = _postgres_url(
        "DATABASE_REPLICA_URL",
        help_text=(
            "It names a streaming replica of the database, with the same role. The web server reads"
            " from it when the replica has all that the caller has already seen, and uses"
            " DATABASE_URL for everything else. When it is empty, DATABASE_URL serves all."
        ),
    )
    redis_url = kinds.text(
        "REDIS_URL",
        allowed="URL such as redis://host:6379/0, or empty",
        check=validators.redis_url,
        help_text=(
            "This Redis holds the counters of the rate limits. When it is empty, or while Redis"
            " does not answer, PostgreSQL holds them."
        ),
    )
    data_dir = kinds.directory(
        "WALLET_SERVICE_DATA_DIR",
        ".data",
        help_text=(
            "This directory holds the demo's database and mails, and the lines that an import of"
            " customers rejected. A relative path starts at the project's directory."
        ),
    )
    lock_timeout_ms = kinds.milliseconds(
        "WALLET_SERVICE_LOCK_TIMEOUT_MS",
        5_000,
        help_text=(
            "A request waits for a lock for at most this many milliseconds. Then the answer is 503,"
            " and nothing was committed."
        ),
    )
    statement_timeout_ms = kinds.milliseconds(
        "WALLET_SERVICE_STATEMENT_TIMEOUT_MS",
        15_000,
        help_text=(
            "A statement of a request runs for at most this many milliseconds. Then the answer is"
            " 503, and nothing was committed."
        ),
    )


class Mail(Group):
    heading = "Mail"

    email_url = kinds.text(
        "WALLET_SERVICE_EMAIL_URL",
        allowed="URL such as smtp://user:password@host:587, or empty",
        check=validators.mail_url,
        help_text=(
            "This server sends the mails. `smtp://` uses STARTTLS, `smtps://` uses TLS from the"
            " start, and `smtp+plain://` uses neither, which suits a relay on your own network."
            " Write special characters as `%40`. When it is empty, the demo writes mails into the"
            " directory `mails` of WALLET_SERVICE_DATA_DIR. With DATABASE_URL, the service then"
            " sends no mail, and nobody can reset a password."
        ),
    )
    email_from = kinds.text(
        "WALLET_SERVICE_EMAIL_FROM",
        "Wallet Service <wallet@localhost>",
        allowed="mail address, with or without a name",
        check=validators.sender,
        help_text="Mails name this address as their sender.",
    )
