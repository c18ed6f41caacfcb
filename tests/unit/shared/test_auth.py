"""Who may call: tokens of every kind against the guard, and the routes that take them."""

import json
import time
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from fastapi import FastAPI
from jwt.algorithms import ECAlgorithm

from shared.runtime.settings import BadSettings, Settings
from shared.web import problems
from shared.web.auth import LINK_AUDIENCE, AccountCaller, Guard, OperatorCaller

SECRET = "a secret that is long enough for HS256"


def settings(**given: Any) -> Settings:
    return Settings.model_validate({"auth_secret": SECRET} | given)


def token(**claims: Any) -> str:
    return jwt.encode({"sub": "acc-1", "exp": time.time() + 60} | claims, SECRET, algorithm="HS256")


def app(guard: Guard) -> FastAPI:
    made = FastAPI()
    made.state.guard = guard
    problems.install(made)

    @made.get("/mine")
    async def mine(caller: AccountCaller) -> str:
        return caller.account_id

    @made.get("/all")
    async def everything(caller: OperatorCaller) -> bool:
        return caller.operator

    return made


@pytest.fixture
def guard() -> Guard:
    return Guard(settings())


async def ask(guard: Guard, path: str, bearer: str | None = None, **parameters: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
    transport = httpx.ASGITransport(app=app(guard))
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        return await client.get(path, headers=headers, params=parameters)


async def test_a_token_names_its_account(guard: Guard) -> None:
    assert (await ask(guard, "/mine", token())).json() == "acc-1"


async def test_a_token_without_expiry_is_accepted(guard: Guard) -> None:
    bare = jwt.encode({"sub": "acc-1"}, SECRET, algorithm="HS256")
    assert (await ask(guard, "/mine", bare)).status_code == 200


@pytest.mark.parametrize(
    "bad",
    [
        "nonsense",
        jwt.encode({"sub": "acc-1"}, SECRET + "!", algorithm="HS256"),
        jwt.encode({"sub": "acc-1"}, "", algorithm="none"),
        jwt.encode({"sub": "acc-1"}, SECRET * 2, algorithm="HS512"),
        token(exp=time.time() - 60),
        token(nbf=time.time() + 60),
        token(sub=""),
        jwt.encode({"exp": time.time() + 60}, SECRET, algorithm="HS256"),
        jwt.encode({"sub": "acc-1"}, ec.generate_private_key(ec.SECP256R1()), algorithm="ES256"),
    ],
    ids=["nonsense", "wrong key", "unsigned", "HS512", "over", "not yet", "empty sub", "no sub", "unknown keys"],
)
async def test_a_bad_token_is_answered_401_as_a_problem(guard: Guard, bad: str) -> None:
    answer = await ask(guard, "/mine", bad)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["status"] == 401


async def test_no_token_is_answered_401(guard: Guard) -> None:
    assert (await ask(guard, "/mine")).status_code == 401
    assert (await ask(guard, "/all")).status_code == 401


async def test_an_operators_token_has_operator_among_its_scopes(guard: Guard) -> None:
    assert (await ask(guard, "/all", token(scope="read operator"))).status_code == 200
    for scope in ("", "read", "operators"):
        answer = await ask(guard, "/all", token(scope=scope))
        assert answer.status_code == 403
        assert answer.json()["title"] == "Forbidden"


async def test_a_link_opens_its_own_account_and_nothing_else(guard: Guard) -> None:
    link = guard.link_token("acc-7")
    assert link
    assert (await ask(guard, "/mine", token=link)).json() == "acc-7"
    assert (await ask(guard, "/all", link)).status_code == 403
    assert (await ask(guard, "/all", token=link)).status_code == 401


async def test_a_link_never_makes_an_operator_whatever_scope_it_has(guard: Guard) -> None:
    assert (await ask(guard, "/all", token(aud=LINK_AUDIENCE, scope="operator"))).status_code == 403


async def test_a_link_expires_and_one_without_expiry_is_refused(guard: Guard) -> None:
    forever = jwt.encode({"sub": "acc-1", "aud": LINK_AUDIENCE}, SECRET, algorithm="HS256")
    assert (await ask(guard, "/mine", token=forever)).status_code == 401
    over = token(aud=LINK_AUDIENCE, exp=time.time() - timedelta(hours=1).total_seconds())
    assert (await ask(guard, "/mine", token=over)).status_code == 401


async def test_where_an_audience_is_set_an_access_token_must_name_it() -> None:
    guard = Guard(settings(auth_audience="tenure"))
    assert (await ask(guard, "/mine", token())).status_code == 401
    assert (await ask(guard, "/mine", token(aud=["others", "tenure"]))).status_code == 200
    link = guard.link_token("acc-1")
    assert link
    assert (await ask(guard, "/mine", link)).status_code == 200


async def test_without_secret_and_keys_every_token_is_refused_and_that_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    guard = Guard(settings(auth_secret=None))
    assert "TENURE_AUTH_JWKS_URL" in caplog.text
    assert (await ask(guard, "/mine", token())).status_code == 401


def test_a_secret_that_is_too_short_stops_the_start() -> None:
    with pytest.raises(BadSettings, match="32 bytes"):
        Guard(settings(auth_secret="short"))


@pytest.fixture
def keys() -> Iterator[tuple[ec.EllipticCurvePrivateKey, str]]:
    """A private key, and the address where its public half is published."""
    private = ec.generate_private_key(ec.SECP256R1())
    public = ECAlgorithm.to_jwk(private.public_key(), as_dict=True) | {"kid": "k1", "use": "sig", "alg": "ES256"}
    published = json.dumps({"keys": [public]}).encode()

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(published)

        def log_message(self, *args: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield private, f"http://127.0.0.1:{server.server_port}/keys"
        server.shutdown()


async def test_a_token_is_checked_against_published_keys(keys: tuple[ec.EllipticCurvePrivateKey, str]) -> None:
    private, address = keys
    guard = Guard(settings(auth_secret=None, auth_jwks_url=address))
    claims = {"sub": "acc-1", "scope": "operator", "exp": time.time() + 60}
    good = jwt.encode(claims, private, algorithm="ES256", headers={"kid": "k1"})
    assert (await ask(guard, "/all", good)).status_code == 200
    stranger = ec.generate_private_key(ec.SECP256R1())
    for bad in (
        jwt.encode(claims, stranger, algorithm="ES256", headers={"kid": "k1"}),
        jwt.encode(claims, private, algorithm="ES256", headers={"kid": "k2"}),
        jwt.encode(claims | {"aud": LINK_AUDIENCE}, private, algorithm="ES256", headers={"kid": "k1"}),
        token(scope="operator"),
    ):
        assert (await ask(guard, "/all", bad)).status_code == 401
    assert guard.link_token("acc-1") is None


async def test_keys_that_cannot_be_fetched_are_answered_503_and_not_401(unused_tcp_port: int) -> None:
    guard = Guard(settings(auth_jwks_url=f"http://127.0.0.1:{unused_tcp_port}/keys"))
    private = ec.generate_private_key(ec.SECP256R1())
    unknown = jwt.encode({"sub": "acc-1"}, private, algorithm="ES256", headers={"kid": "k1"})
    assert (await ask(guard, "/mine", unknown)).status_code == 503
    assert (await ask(guard, "/mine", token())).status_code == 200
