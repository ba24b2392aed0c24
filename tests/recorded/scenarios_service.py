"""The queue, what was answered under a key, and what the service tells of itself."""

import json
from itertools import count
from typing import Any

from tests.factories import a_client, a_company, an_uncashed_asset, freeze
from tests.http_client import Api
from tests.intake.queueing import drain
from tests.recorded.operations import operator_of
from tests.recorded.recording import NOBODY, Tape

#: A process remembers addresses from which wrong tokens came: each time it is another one.
_NUMBERS = count(1)
#: What anybody may read, whatever token comes with the request.
OPEN = ("/assets", "/status", "/api/v1/health", "/api", "/api/schema")


def queued_transactions(tape: Tape) -> None:
    """Taken in, run, and told of."""
    holder, other, frozen = a_client(holds="20.00"), a_client(), a_client(holds="1")
    client, stranger = tape.holder("client", holder), tape.holder("stranger", other)
    operator, poor = operator_of(tape), tape.holder("poor client", a_client())
    company = tape.holder("company", a_company(holds="3.00"))
    user, target = str(holder.user.pk), str(other.wallet_id)
    client.get("/processor/status")
    one = client.post(
        "/transaction", {"value": "12.50", "latency": 7, "description": "Order"}, key="k"
    )
    client.post("/transaction", {"value": "12.50", "latency": 7, "description": "Order"}, key="k")
    client.post("/transaction", {"value": "12.51"}, key="k")
    many = client.post(
        "/transaction", [{"value": 1}, {"amount": "2.5", "target": target}], key="many"
    )
    client.post("/transaction", [{"value": 1}, {"amount": "2.5", "target": target}], key="many")
    named = operator.post("/transaction", {"value": 1, "customer": user})
    client.post("/transaction", {"value": 1, "amount": 1, "customer": user})
    company.post("/transaction", {"value": 1})
    short = poor.post("/transaction", {"value": "0.01"})
    stopped = client.post("/transaction", {"value": 1, "target": str(frozen.wallet_id)})
    freeze(frozen)
    locations = [
        one.headers["Location"],
        *(f"/transaction/{each['id']}" for each in many.json),
        named.headers["Location"],
        stopped.headers["Location"],
    ]
    client.get(locations[0])
    client.get("/processor/status")
    drain()
    for location in locations:
        client.get(location)
    poor.get(short.headers["Location"])
    for caller in (stranger, company, operator, tape.nobody()):
        caller.get(locations[0])
    operator.get(named.headers["Location"])
    client.get(f"/transaction/{NOBODY}")
    for caller in (client, company, operator):
        caller.get("/processor/status")
    client.get(f"/wallet/history/{holder.wallet_id}")


def transactions_not_queued(tape: Tape) -> None:
    """What the queue refuses, alone and in an array."""
    an_uncashed_asset("GOLD", "Gold")
    client, operator = tape.holder("client", a_client(holds="20.00")), operator_of(tape)
    euro, someone = a_client(currency="EUR"), a_client()
    tape.name("wallet of euros", euro.wallet_id)
    tape.name("somebody else", someone.user.pk)
    changes: tuple[dict[str, Any], ...] = (
        {"value": 0},
        {"value": "-1"},
        {"value": "1.001"},
        {"value": True},
        {"amount": 2},
        {"latency": 0},
        {"latency": -5},
        {"latency": 10**9},
        {"latency": "5"},
        {"latency": True},
        {"latency": 1.5},
        {"target": NOBODY},
        {"target": str(euro.wallet_id)},
        {"target": 5},
        {"customer": str(someone.user.pk)},
        {"customer": NOBODY},
        {"customer": "x"},
        {"description": "x" * 501},
        {"status": "completed"},
    )
    for change in changes:
        client.post("/transaction", {"value": 1, **change})
        client.post("/transaction", [{"value": 1}, {"value": 1, **change}])
    wholes: tuple[Any, ...] = ({}, [], [{}], [{"value": 1}, 5], [{"value": 1}, [{"value": 1}]])
    for whole in wholes:
        client.post("/transaction", json.dumps(whole).encode())
    client.post("/transaction", [{"value": 1}] * 1_001)
    operator.post("/transaction", {"value": 1})
    operator.post("/transaction", [{"value": 1}])
    operator.post("/transaction", {"value": 1, "customer": NOBODY})
    operator.post("/transaction", [{"value": 1, "customer": NOBODY}])
    client.get("/processor/status")


def keys_looked_up(tape: Tape) -> None:
    """What was answered under a key of one's own."""
    holder, other = a_client(), a_client()
    client, stranger = tape.holder("client", holder), tape.holder("stranger", other)
    own = str(holder.wallet_id)
    client.get("/idempotency/k")
    client.post("/wallet/deposit", {"wallet": own, "amount": "12.50"}, key="k")
    client.post("/wallet/withdraw", {"wallet": own, "amount": 99}, key="a key/with a slash?")
    client.post("/wallet/deposit", {"wallet": NOBODY, "amount": 1}, key="free")
    client.post("/wallet/deposit", {"wallet": own, "amount": 0}, key="zero")
    client.post("/wallet/deposit", {"wallet": own, "amount": 0}, key="zero")
    client.post("/wallet/deposit", {"amount": "12.5", "wallet": own}, key="k")
    client.post("/wallet/deposit", b'{"wallet":"%s","amount":"12.50"}' % own.encode(), key="k")
    client.post("/wallet/withdraw", {"wallet": own, "amount": "12.50"}, key="k")
    for key in ("k", "a%20key/with%20a%20slash%3F", "free", "zero", "k" * 256, "%C3%A9"):
        client.get(f"/idempotency/{key}")
    stranger.get("/idempotency/k")
    stranger.post("/wallet/deposit", {"wallet": str(other.wallet_id), "amount": 1}, key="k")
    tape.nobody().get("/idempotency/k")


def the_service_itself(tape: Tape) -> None:
    """Alive, healthy, measured, described; and what is not there."""
    nobody = tape.nobody()
    for path in (*OPEN, "/metrics", "/api/redoc"):
        nobody.call("HEAD", path)
        if path != "/api/schema":
            nobody.get(path)
        nobody.post(path)
    for path in OPEN:
        if path != "/api/schema":
            nobody.get(path, Authorization="Token stale")
    nobody.get("/static/documentation/redoc.css", Range="bytes=99999999-")
    nobody.post("/static/documentation/redoc.css")
    nobody.get("/api", Accept="text/html")
    nobody.get("/api/schema", Accept="application/xml")
    nobody.get("/admin")
    tape.settings.METRICS_TOKEN = "a-token"
    nobody.get("/metrics")
    nobody.get("/metrics", Authorization="Token another")
    nobody.get("/metrics", Authorization="Bearer a-token")
    nobody.get("/", Accept="text/html")
    for path in ("/", "/nothing/here", "/status/", "/administrator", "/%ff%00", "/x%E2%82%AC"):
        nobody.get(path)
    nobody.post("/nothing/here", b"{}")
    nobody.call("HEAD", "/nothing/here")
    nobody.call("HEAD", "/wallet/list")


def words_around_a_call(tape: Tape) -> None:
    """Tokens, hosts, origins, forms of an answer and ids of a request, as they may be sent."""
    holder = a_client()
    client, nobody = tape.holder("client", holder), tape.nobody()
    token = holder.api._token
    for scheme in ("Token", "Bearer", "token", "BEARER"):
        nobody.get("/wallet/list", Authorization=f"{scheme} {token}")
    for strange in ("Token", "Bearer ", "Token \xe9\xff", "Token a b", "Basic YWRhOnB3", "x", ""):
        nobody.get("/wallet/list", Authorization=strange)
    for host in ("evil.example", "a b"):
        nobody.get("/wallet/list", Host=host)
        nobody.get("/status", Host=host)
    for accept in (
        "",
        "*/*",
        "application/*",
        "text/html, */*;q=0.1",
        "text/html",
        "application/json;q=0",
        "application/json;q=0, */*",
    ):
        nobody.get("/status", Accept=accept)
    for sent in ("abc-123", "a b", "x" * 129):
        client.get("/wallet/list", **{"X-Request-ID": sent})
        nobody.get("/nothing", **{"X-Request-ID": sent})
    for origin in ("http://localhost:8000", "https://evil.example"):
        client.get("/wallet/list", Origin=origin)
        nobody.get("/nothing", Origin=origin)
        asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        nobody.call("OPTIONS", "/wallet/deposit", b"", **asked)
    for raw in (b"", b"null", b'"x"', b"{} x", b'{"a": 1, "a": 2}', b"\xff\xfe{}", b"[" * 5_000):
        client.post("/wallet/create", raw)
    client.post("/wallet/create", b"{}", **{"Content-Type": "application/json; charset=utf-8"})
    client.post("/wallet/create", b"{}", **{"Content-Type": "application/json; charset=latin-1"})


def rates_by_default(tape: Tape) -> None:
    """How many calls are allowed by default, as the first call of each group is told."""
    tape.default_limits()
    holder = a_client()
    client, nobody = tape.holder("client", holder), tape.nobody()
    client.get("/wallet/list")
    client.post("/wallet/deposit", {"wallet": str(holder.wallet_id), "amount": 1})
    for path in ("/client/signup", "/client/login", "/password/reset"):
        nobody.post(path)


def rates_of_accounts(tape: Tape) -> None:
    """429 for one account, wherever the calls come from, and for wrong tokens of one address."""
    tape.limit(signup_account=1, login_account=1, reset_account=1, invalid_tokens=1)
    nobody = tape.nobody()
    login = {"email": "ada@example.com", "password": "wrong"}
    for _ in range(2):
        nobody.post("/client/login", login)
        nobody.post("/client/signup", {**login, "client": PROFILE})
        nobody.post("/password/reset", {"email": login["email"]})
    elsewhere = Api()
    elsewhere._client.defaults["REMOTE_ADDR"] = f"10.9.0.{next(_NUMBERS)}"
    guesser = tape.caller("guesser", elsewhere)
    for _ in range(3):
        guesser.get("/wallet/list", Authorization="Token nonsense")


PROFILE = {"first_name": "Ada", "last_name": "Lovelace", "phone_number": "+34666666666"}


SCENARIOS = (
    queued_transactions,
    transactions_not_queued,
    keys_looked_up,
    the_service_itself,
    words_around_a_call,
    rates_by_default,
    rates_of_accounts,
)
