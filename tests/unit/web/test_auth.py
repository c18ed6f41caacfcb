"""Who may call: tokens of every kind against the guard, and the routes that take them."""

import time
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from fastapi import FastAPI

from shared.runtime.settings import BadSettings, Settings
from shared.web import problems
from shared.web.auth import (
    LINK_AUDIENCE,
    SESSION_AUDIENCE,
    AccountCaller,
    AccountOwner,
    AuthenticatedRoute,
    Guard,
    OperatorCaller,
)
from tests.kit.cases import cases

SECRET = "a secret that is long enough for HS256"


def settings(**given: Any) -> Settings:
    return Settings.model_validate({"auth_secret": SECRET} | given)


def token(**claims: Any) -> str:
    return jwt.encode({"sub": "acc-1", "exp": time.time() + 3600} | claims, SECRET, algorithm="HS256")


def app(guard: Guard) -> FastAPI:
    made = FastAPI()
    made.state.guard = guard
    problems.install(made)

    made.router.route_class = AuthenticatedRoute

    @made.get("/mine")
    async def mine(caller: AccountCaller) -> str:
        return caller.account_id

    @made.get("/all")
    async def everything(caller: OperatorCaller) -> bool:
        return caller.operator

    @made.get("/owned")
    async def owned(caller: AccountOwner) -> str:
        return caller.account_id

    @made.put("/owned")
    async def replace(caller: AccountOwner, wanted: dict[str, str]) -> str:
        return caller.account_id + str(wanted)

    return made


@pytest.fixture
def guard() -> Guard:
    return Guard(settings())


def client_of(guard: Guard) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app(guard)), base_url="http://service")


async def ask(guard: Guard, path: str, bearer: str | None = None, **parameters: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
    async with client_of(guard) as client:
        return await client.get(path, headers=headers, params=parameters)


async def test_a_token_names_its_account(guard: Guard) -> None:
    assert (await ask(guard, "/mine", token())).json() == "acc-1"


async def test_a_token_must_end(guard: Guard) -> None:
    for lasting in ({"sub": "acc-1"}, {"sub": "acc-1", "exp": None}):
        assert (await ask(guard, "/mine", jwt.encode(lasting, SECRET, algorithm="HS256"))).status_code == 401


@cases(
    "bad",
    [
        "nonsense",
        jwt.encode({"sub": "acc-1"}, SECRET + "!", algorithm="HS256"),
        jwt.encode({"sub": "acc-1"}, "", algorithm="none"),
        jwt.encode({"sub": "acc-1"}, SECRET * 2, algorithm="HS512"),
        token(exp=time.time() - 60),
        token(nbf=time.time() + 3600),
        token(sub=""),
        jwt.encode({"exp": time.time() + 3600}, SECRET, algorithm="HS256"),
        jwt.encode({"sub": "acc-1"}, ec.generate_private_key(ec.SECP256R1()), algorithm="ES256"),
    ],
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
    for scope in ("", "read", "operators", "read\toperator", "read,operator", "Operator"):
        answer = await ask(guard, "/all", token(scope=scope))
        assert answer.status_code == 403
        assert answer.json()["title"] == "Forbidden"


async def test_a_link_opens_its_own_account_and_nothing_else(guard: Guard) -> None:
    link = guard.link_token("acc-7")
    assert link
    assert (await ask(guard, "/mine", token=link)).json() == "acc-7"
    assert (await ask(guard, "/all", link)).status_code == 403
    assert (await ask(guard, "/all", token=link)).status_code == 401


@pytest.mark.parametrize("audience", [LINK_AUDIENCE, SESSION_AUDIENCE])
async def test_a_link_and_the_cookie_given_for_it_read_and_mark_as_read_but_change_nothing_else(
    guard: Guard, audience: str
) -> None:
    link = token(aud=audience)
    assert (await ask(guard, "/mine", link)).json() == "acc-1"
    assert (await ask(guard, "/owned", token=token())).json() == "acc-1"
    for refused in (await ask(guard, "/owned", link), await ask(guard, "/owned", token=link)):
        assert (refused.status_code, refused.headers["content-type"]) == (403, "application/problem+json")


async def test_an_access_token_that_also_names_links_as_its_audience_is_a_link(guard: Guard) -> None:
    mixed = token(aud=["tenure", LINK_AUDIENCE], scope="operator")
    assert (await ask(guard, "/mine", mixed)).status_code == 200
    assert (await ask(guard, "/all", mixed)).status_code == 403
    assert (await ask(guard, "/owned", mixed)).status_code == 403


async def test_the_account_is_an_id_and_an_operator_may_be_anybody(guard: Guard) -> None:
    for subject in ("a b", "auth0|5f7c8ec7", "ops@example.com", "x" * 129, "Größe"):
        assert (await ask(guard, "/mine", token(sub=subject))).status_code == 401
        assert (await ask(guard, "/all", token(sub=subject, scope="operator"))).status_code == 200


async def test_one_bearer_token_is_enough_and_two_are_too_many(guard: Guard) -> None:
    async with client_of(guard) as client:
        twice = [("Authorization", f"Bearer {token()}"), ("Authorization", f"Bearer {token(sub='acc-2')}")]
        assert (await client.get("/mine", headers=twice)).status_code == 401
        for scheme in ("bearer", "BEARER"):
            assert (await client.get("/mine", headers={"Authorization": f"{scheme} {token()}"})).json() == "acc-1"
        assert (await client.get("/mine", headers={"Authorization": f"Basic {token()}"})).status_code == 401


async def test_more_requests_than_an_account_may_make_are_answered_429_whatever_token_it_uses() -> None:
    guard = Guard(settings(http_rate_per_token=1))
    tokens = [token(jti=number) for number in range(11)]
    async with client_of(guard) as client:
        answers = [await client.get("/mine", params={"token": each}) for each in tokens]
        assert [answer.status_code for answer in answers] == [200] * 10 + [429]
        assert answers[-1].headers["retry-after"] == "1"
        assert (await client.get("/mine", params={"token": token(sub="acc-2")})).status_code == 200


async def test_a_body_is_read_only_after_its_sender_is_known(guard: Guard) -> None:
    read = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal read
        read += 1
        yield b"{}"

    async with client_of(guard) as client:
        assert (await client.put("/owned", content=body())).status_code == 401
        assert (await client.put("/owned", content=body(), headers={"Authorization": "Bearer no"})).status_code == 401
        assert read == 0
        good = {"Authorization": f"Bearer {token()}", "Content-Type": "application/json"}
        assert (await client.put("/owned", content=body(), headers=good)).status_code == 200
        assert read == 1


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


def test_a_secret_that_is_another_kind_of_key_stops_the_start() -> None:
    pem = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n-----END PUBLIC KEY-----"
    for key in (pem, '{"kty": "oct", "k": "c2VjcmV0c2VjcmV0c2VjcmV0"}'):
        with pytest.raises(BadSettings, match="HS256"):
            Guard(settings(auth_secret=key))
