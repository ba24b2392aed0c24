"""Security headers, allowed origins, sessions, and the redirect to HTTPS."""

import pytest
from django.test import Client
from pytest_django import Settings

from tests.factories import a_staff_member
from tests.http_client import Api

pytestmark = pytest.mark.usefixtures("books")

REMOTE_ADDRESS = "203.0.113.7"
APP_ORIGIN = "https://app.example"


def client_at(address: str, **headers: str) -> Client:
    client = Client(headers=headers)
    client.defaults["REMOTE_ADDR"] = address
    return client


def policy_of(path: str) -> dict[str, str]:
    policy = Client().get(path, headers={"Accept": "*/*"}).headers["Content-Security-Policy"]
    return dict(directive.split(" ", 1) for directive in policy.split("; "))


@pytest.mark.parametrize(
    "path",
    ["/status", "/wallet/list", "/nowhere", "/api/v1/health", "/api/schema", "/admin"],
)
def test_data_may_load_nothing_and_be_embedded_nowhere(path: str) -> None:
    assert policy_of(path) == {
        "default-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }


@pytest.mark.parametrize("path", ["/api", "/api/redoc", "/admin/login/"])
def test_pages_load_from_their_own_host_and_only_the_admin_runs_inline_scripts(path: str) -> None:
    policy = policy_of(path)

    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "'none'"
    assert "http" not in " ".join(policy.values())
    is_admin = path.startswith("/admin/")
    assert ("'unsafe-inline'" in policy["script-src"]) is is_admin
    assert ("'unsafe-eval'" in policy["script-src"]) is is_admin


def test_the_start_page_loads_its_own_style_and_nothing_else() -> None:
    assert policy_of("/") == {
        "default-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "style-src": "'self'",
        "img-src": "'self'",
    }


@pytest.mark.parametrize("path", ["/", "/status", "/nowhere", "/admin/login/", "/admin/x", "/api"])
def test_every_answer_has_the_other_security_headers(path: str) -> None:
    headers = Client().get(path, headers={"Accept": "*/*"}).headers

    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "geolocation=()" in headers["Permissions-Policy"]
    assert "Strict-Transport-Security" not in headers


@pytest.fixture
def https(settings: Settings) -> None:
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_HSTS_SECONDS = 31_536_000
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True


@pytest.mark.usefixtures("https")
def test_plain_http_is_redirected_except_for_probes_and_this_machine() -> None:
    remote, local, proxied = (
        client_at(REMOTE_ADDRESS),
        Client(),
        Client(headers={"X-Forwarded-For": REMOTE_ADDRESS}),
    )

    redirects = [
        remote.get("/wallet/list"),
        remote.post("/client/login"),
        proxied.get("/wallet/list"),
    ]
    probes = [remote.get(path) for path in ("/status", "/api/v1/health")]

    assert [answer.status_code for answer in redirects] == [301] * 3
    assert redirects[0].headers["Location"] == "https://testserver/wallet/list"
    assert 301 not in {probe.status_code for probe in probes}
    assert local.get("/wallet/list").status_code == 401


@pytest.mark.usefixtures("https")
def test_forged_headers_do_not_avoid_the_redirect() -> None:
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "127.0.0.1"}

    assert client_at(REMOTE_ADDRESS, **headers).get("/wallet/list").status_code == 301


@pytest.mark.usefixtures("https")
def test_https_answers_have_hsts_and_secure_cookies() -> None:
    answer = client_at(REMOTE_ADDRESS).get("/admin/login/", secure=True)

    assert answer.status_code == 200
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=31536000")
    cookie = answer.cookies["csrftoken"]
    assert (cookie["secure"], cookie["path"]) == (True, "/admin/")


@pytest.mark.parametrize("path", ["/wallet/list", "/client/login", "/api/schema"])
def test_only_allowed_origins_may_call_and_without_cookies(settings: Settings, path: str) -> None:
    settings.CORS_ALLOWED_ORIGINS = [APP_ORIGIN]

    named = Client().get(path, headers={"Origin": APP_ORIGIN}).headers
    other = Client().get(path, headers={"Origin": "https://evil.example"}).headers

    assert named["Access-Control-Allow-Origin"] == APP_ORIGIN
    assert "Access-Control-Allow-Origin" not in other
    assert "Access-Control-Allow-Credentials" not in named
    assert "RateLimit" in named["Access-Control-Expose-Headers"]


def test_no_other_origin_may_read_the_admin(settings: Settings) -> None:
    settings.CORS_ALLOWED_ORIGINS = [APP_ORIGIN]

    for path in ("/admin/login/", "/admin"):
        assert "Access-Control-Allow-Origin" not in Client().get(
            path, headers={"Origin": APP_ORIGIN}
        )


@pytest.mark.parametrize("is_secure", [False, True])
def test_no_other_origin_may_send_forms_to_the_admin(settings: Settings, is_secure: bool) -> None:
    named = settings.CORS_ALLOWED_ORIGINS = [APP_ORIGIN, *settings.CORS_ALLOWED_ORIGINS]
    user = a_staff_member()
    client = Client(enforce_csrf_checks=True)
    client.force_login(user)
    page = client.get("/admin/find/", secure=is_secure)
    form = {"query": user.email, "csrfmiddlewaretoken": page.cookies["csrftoken"].value}
    own = f"http{'s' if is_secure else ''}://testserver"

    def send(origin: str) -> int:
        headers = {"Origin": origin, "Referer": f"{origin}/"}
        answer = client.post("/admin/find/", form, secure=is_secure, headers=headers)
        return int(answer.status_code)

    assert [send(origin) for origin in (own, *named)] == [200, *[403] * len(named)]


def test_the_admin_without_its_slash_is_a_redirect() -> None:
    answer = Client().get("/admin")

    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/")


def test_a_session_ends_at_its_maximum_age_despite_use(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Client()
    client.force_login(a_staff_member())
    assert client.get("/admin/").status_code == 200

    settings.SESSION_HOURS = 0

    assert client.get("/admin/").status_code == 302
    assert client.get("/admin/").status_code == 302
    assert not client.session.keys()


def test_a_session_is_renewed_by_use_and_ends_when_idle(settings: Settings) -> None:
    client = Client()
    client.force_login(a_staff_member())

    used = client.get("/admin/").cookies[settings.SESSION_COOKIE_NAME]

    assert used["max-age"] == settings.SESSION_COOKIE_AGE == 30 * 60
    assert (used["path"], used["httponly"], used["samesite"]) == ("/admin/", True, "Lax")


def test_the_api_makes_no_session() -> None:
    answer = Client().get("/wallet/list")

    assert not answer.cookies
    assert "Cookie" not in answer.headers.get("Vary", "")
    assert Api().get("/status").status == 200
