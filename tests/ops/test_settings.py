"""Settings: defaults, validation, files and database profiles."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from dotenv import dotenv_values

from config import environment
from config.database import Profile, databases
from config.environment import VARIABLES, WrongSettings, read, unknown_variables
from config.mail import mail_server

ROOT = Path(__file__).parents[2]
SetEnvironment = Callable[[Mapping[str, str]], None]
SERVER = {
    "DATABASE_URL": "postgresql://app:secret@db.example:5433/wallet",
    "WALLET_SERVICE_SECRET_KEY": "a key of our own",
}


def database(profile: Profile) -> dict[str, Any]:
    """Return how a process of this profile connects to the primary."""
    return databases(read(), profile)["default"]


def wrong_lines(set_environment: SetEnvironment, settings: Mapping[str, str]) -> list[str]:
    set_environment(settings)
    with pytest.raises(WrongSettings) as caught:
        read()
    return str(caught.value).splitlines()


def test_all_invalid_settings_are_reported_together_a_line_each(
    set_environment: SetEnvironment,
) -> None:
    lines = wrong_lines(
        set_environment,
        {
            "WALLET_SERVICE_LOG_LEVEL": "loud",
            "WALLET_SERVICE_THREADS": "many",
            "WALLET_SERVICE_RATE_LIMIT_READS": "often",
            "PORT": "70000",
        },
    )
    assert [line.split(":")[0] for line in lines] == [
        "WALLET_SERVICE_LOG_LEVEL",
        "WALLET_SERVICE_RATE_LIMIT_READS",
        "WALLET_SERVICE_THREADS",
        "PORT",
    ]
    assert "Must be one of: debug, info, warning, error, critical." in lines[0]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HOST", ""),
        ("PORT", "0"),
        ("DATABASE_OWNER_URL", "wallet"),
        ("REDIS_URL", "http://redis"),
        ("WALLET_SERVICE_LOG_LEVEL", "INFO"),
        ("WALLET_SERVICE_SECRET_KEY", ""),
        ("WALLET_SERVICE_DEBUG_MODE", "maybe"),
        ("WALLET_SERVICE_ALLOWED_HOSTS", "a.example,b.example"),
        ("WALLET_SERVICE_ALLOWED_HOSTS", "https://a.example"),
        ("WALLET_SERVICE_ALLOWED_HOSTS", " "),
        ("WALLET_SERVICE_ALLOWED_ORIGINS", "a.example"),
        ("WALLET_SERVICE_ALLOWED_ORIGINS", "https://a.example/path"),
        ("WALLET_SERVICE_ALLOWED_ORIGINS", "https://a.example,https://b.example"),
        ("WALLET_SERVICE_ALLOWED_ORIGINS", "http://a.example:99999"),
        ("WALLET_SERVICE_HTTPS", "yes"),
        ("WALLET_SERVICE_ADMIN_IDLE_MINUTES", "0"),
        ("WALLET_SERVICE_ADMIN_SESSION_HOURS", "0"),
        ("WALLET_SERVICE_TRUSTED_PROXIES", "10.0.0.5,10.0.0.6"),
        ("WALLET_SERVICE_TRUSTED_PROXIES", "10.0.0.5/8"),
        ("WALLET_SERVICE_TRUSTED_PROXIES", "caddy"),
        ("WALLET_SERVICE_TRUSTED_PROXIES", "*"),
        ("WALLET_SERVICE_TRUSTED_PROXIES", "0.0.0.0/0"),
        ("WALLET_SERVICE_AUTH_TOKEN_EXPIRATION", "0"),
        ("WALLET_SERVICE_AUTH_TOKEN_EXPIRATION", "nan"),
        ("WALLET_SERVICE_AUTH_TOKEN_EXPIRATION", "inf"),
        ("WALLET_SERVICE_MAX_WALLETS_BY_CLIENT", "-1"),
        ("WALLET_SERVICE_DATA_DIR", ""),
        ("WALLET_SERVICE_AUTH_TOKEN_IDLE_MINUTES", "-1"),
        ("WALLET_SERVICE_PASSWORD_RESET_MINUTES", "0"),
        ("WALLET_SERVICE_PASSWORD_RESET_URL", "app.example/reset"),
        ("WALLET_SERVICE_PASSWORD_RESET_URL", "https://app.example/#/reset"),
        ("WALLET_SERVICE_EMAIL_URL", "mail.example:587"),
        ("WALLET_SERVICE_EMAIL_URL", "smtp://mail.example:x"),
        ("WALLET_SERVICE_EMAIL_URL", "smtp://mail.example?tls=no"),
        ("WALLET_SERVICE_EMAIL_FROM", "Wallet Service"),
        ("WALLET_SERVICE_IDEMPOTENCY_DAYS", "0"),
        ("WALLET_SERVICE_RATE_LIMITS", "yes"),
        ("WALLET_SERVICE_RATE_LIMIT_SIGNUP", "0/m"),
        ("WALLET_SERVICE_RATE_LIMIT_WRITES", "10/week"),
        ("WALLET_SERVICE_WORKERS", "0"),
        ("WALLET_SERVICE_LOCK_TIMEOUT_MS", "0"),
        ("WALLET_SERVICE_STATEMENT_TIMEOUT_MS", "5s"),
    ],
)
def test_a_wrong_value_is_refused(set_environment: SetEnvironment, name: str, value: str) -> None:
    (line,) = wrong_lines(set_environment, {name: value})
    assert line.startswith(f"{name}: ")


@pytest.mark.parametrize(
    "url", ["mysql://a@b/c", "postgresql://db.example", "postgresql://a:b@c:d/e"]
)
def test_a_database_url_must_be_complete_and_postgresql(
    set_environment: SetEnvironment, url: str
) -> None:
    (line,) = wrong_lines(set_environment, {**SERVER, "DATABASE_URL": url})
    assert line.startswith("DATABASE_URL: ")
    assert url not in line  # It may hold a password.


@pytest.mark.parametrize("key", [None, "", environment.DEMO_SECRET_KEY])
def test_outside_the_demo_the_secret_key_is_required(
    set_environment: SetEnvironment, key: str | None
) -> None:
    settings = {"DATABASE_URL": SERVER["DATABASE_URL"]}
    if key is not None:
        settings["WALLET_SERVICE_SECRET_KEY"] = key
    (line,) = wrong_lines(set_environment, settings)
    assert line.startswith("WALLET_SERVICE_SECRET_KEY: ")


def test_lists_are_separated_by_spaces(set_environment: SetEnvironment) -> None:
    set_environment(
        {
            "WALLET_SERVICE_ALLOWED_HOSTS": " api.example  .example [::1] * ",
            "WALLET_SERVICE_ALLOWED_ORIGINS": "https://app.example http://[::1]:8000",
            "WALLET_SERVICE_SECRET_KEY_FALLBACKS": "newest older",
        }
    )
    settings = read()
    assert settings.secret_key_fallbacks == ("newest", "older")
    assert settings.allowed_hosts == ("api.example", ".example", "[::1]", "*")
    assert settings.allowed_origins == ("https://app.example", "http://[::1]:8000")


def test_https_is_required_outside_the_demo_by_default(
    set_environment: SetEnvironment,
) -> None:
    for settings, is_https in (
        ({}, False),
        ({"WALLET_SERVICE_HTTPS": "on"}, True),
        (SERVER, True),
        ({**SERVER, "WALLET_SERVICE_HTTPS": "off"}, False),
    ):
        set_environment(settings)
        assert read().is_https is is_https


def test_mail_uses_tls_by_default() -> None:
    first = mail_server("smtp://ada:p%40ss@mail.example")
    assert (first.host, first.port, first.user, first.password) == (
        "mail.example",
        587,
        "ada",
        "p@ss",
    )
    assert (first.starts_tls, first.is_tls) == (True, False)
    throughout = mail_server("smtps://mail.example")
    assert (throughout.port, throughout.starts_tls, throughout.is_tls) == (465, False, True)
    plain = mail_server("smtp+plain://relay:1025")
    assert (plain.port, plain.starts_tls, plain.is_tls) == (1025, False, False)


def test_proxies_are_addresses_and_networks(set_environment: SetEnvironment) -> None:
    set_environment({"WALLET_SERVICE_TRUSTED_PROXIES": " 10.0.0.5  172.16.0.0/12 ::1"})
    networks = [str(network) for network in read().trusted_proxies]
    assert networks == ["10.0.0.5/32", "172.16.0.0/12", "::1/128"]


def test_the_example_documents_each_setting_once_with_its_default(
    set_environment: SetEnvironment,
) -> None:
    example = ROOT / ".env.example"
    names = [
        line.split("=")[0]
        for line in example.read_text().splitlines()
        if "=" in line and line[0] != "#"
    ]
    assert sorted(names) == sorted(VARIABLES)

    set_environment({})
    defaults = read()
    set_environment({name: value or "" for name, value in dotenv_values(example).items()})
    assert read() == defaults


def test_the_env_file_is_read_and_the_environment_takes_precedence(
    set_environment: SetEnvironment, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("PORT=8001\nHOST=0.0.0.0\nWALLET_SERVICE_PROT=1\n")
    set_environment({"PORT": "8002"})
    assert (read().host, read().port) == ("0.0.0.0", 8002)
    assert unknown_variables() == ["WALLET_SERVICE_PROT"]


def test_a_value_can_be_in_a_file(set_environment: SetEnvironment, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("a key of our own\n")
    (tmp_path / "url").write_text(SERVER["DATABASE_URL"])
    set_environment(
        {
            "WALLET_SERVICE_SECRET_KEY_FILE": str(tmp_path / "key"),
            "DATABASE_URL_FILE": str(tmp_path / "url"),
        }
    )
    settings = read()
    assert (settings.secret_key, settings.database_url) == (
        SERVER["WALLET_SERVICE_SECRET_KEY"],
        SERVER["DATABASE_URL"],
    )
    assert unknown_variables() == []


def test_an_empty_file_never_turns_the_service_into_the_demo(
    set_environment: SetEnvironment, tmp_path: Path
) -> None:
    (tmp_path / "empty").write_text("\n")
    lines = wrong_lines(
        set_environment,
        {
            "DATABASE_URL_FILE": str(tmp_path / "empty"),
            "WALLET_SERVICE_SECRET_KEY_FILE": str(tmp_path / "missing"),
        },
    )
    assert lines == [
        f"WALLET_SERVICE_SECRET_KEY_FILE: {tmp_path / 'missing'} cannot be read.",
        f"DATABASE_URL_FILE: {tmp_path / 'empty'} is empty.",
    ]


def test_the_web_profile_has_a_pool_and_timeouts(
    set_environment: SetEnvironment,
) -> None:
    set_environment({**SERVER, "WALLET_SERVICE_DATABASE_CONNECTIONS": "10"})
    web = database(Profile.WEB)
    assert (web["USER"], web["HOST"], web["PORT"]) == ("app", "db.example", 5433)
    assert web["OPTIONS"]["pool"]["max_size"] == 10
    assert "-c lock_timeout=5000 -c statement_timeout=15000" in web["OPTIONS"]["options"]
    assert not {"options", "pool"} & database(Profile.COMMAND)["OPTIONS"].keys()


def test_the_owner_has_a_separate_url_or_shares(set_environment: SetEnvironment) -> None:
    set_environment({**SERVER, "DATABASE_OWNER_URL": "postgresql://owner@db.example/wallet"})
    assert database(Profile.OWNER)["USER"] == "owner"
    assert database(Profile.COMMAND)["USER"] == "app"
    set_environment(SERVER)
    assert database(Profile.OWNER)["USER"] == "app"


def test_only_the_web_profile_uses_the_pooler_and_sets_nothing_in_a_session(
    set_environment: SetEnvironment,
) -> None:
    set_environment({**SERVER, "DATABASE_DIRECT_URL": "postgresql://app@direct.example/wallet"})

    web = database(Profile.WEB)
    assert web["HOST"] == "db.example"
    assert "options" not in web["OPTIONS"]
    assert web["OPTIONS"]["prepare_threshold"] is None
    assert web["DISABLE_SERVER_SIDE_CURSORS"]
    for profile in (Profile.COMMAND, Profile.OWNER):
        assert database(profile)["HOST"] == "direct.example"


def test_only_the_web_profile_uses_a_replica(set_environment: SetEnvironment) -> None:
    set_environment({**SERVER, "DATABASE_REPLICA_URL": "postgresql://app@copy.example/wallet"})

    web = databases(read(), Profile.WEB)
    assert web["replica"]["HOST"] == "copy.example"
    assert "-c lock_timeout=5000" in web["replica"]["OPTIONS"]["options"]
    for profile in (Profile.COMMAND, Profile.OWNER):
        assert list(databases(read(), profile)) == ["default"]


@pytest.mark.parametrize("name", ["DATABASE_DIRECT_URL", "DATABASE_REPLICA_URL"])
def test_the_demo_has_neither_a_pooler_nor_a_replica(
    set_environment: SetEnvironment, name: str
) -> None:
    (line,) = wrong_lines(set_environment, {name: "postgresql://app@db.example/wallet"})
    assert line.startswith(f"{name}: Wants a DATABASE_URL")
