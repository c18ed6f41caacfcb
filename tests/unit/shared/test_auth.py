"""Who may call: tokens of every kind against the guard, and the routes that take them."""

import time
from datetime import timedelta
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from fastapi import FastAPI

from shared import problems
from shared.auth import LINK_AUDIENCE, AnAccount, AnOperator, Guard
from shared.settings import BadSettings, Settings

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
    async def mine(caller: AnAccount) -> str:
        return caller.account_id

    @made.get("/all")
    async def everything(caller: AnOperator) -> bool:
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


async def test_a_token_without_an_end_is_good(guard: Guard) -> None:
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


async def test_an_operator_needs_the_scope_among_others(guard: Guard) -> None:
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


async def test_a_link_never_makes_an_operator_whatever_it_says(guard: Guard) -> None:
    assert (await ask(guard, "/all", token(aud=LINK_AUDIENCE, scope="operator"))).status_code == 403


async def test_a_link_ends(guard: Guard) -> None:
    forever = jwt.encode({"sub": "acc-1", "aud": LINK_AUDIENCE}, SECRET, algorithm="HS256")
    assert (await ask(guard, "/mine", token=forever)).status_code == 401
    over = token(aud=LINK_AUDIENCE, exp=time.time() - timedelta(hours=1).total_seconds())
    assert (await ask(guard, "/mine", token=over)).status_code == 401


async def test_where_an_audience_is_set_a_token_must_be_meant_for_it() -> None:
    guard = Guard(settings(auth_audience="tenure"))
    assert (await ask(guard, "/mine", token())).status_code == 401
    assert (await ask(guard, "/mine", token(aud=["others", "tenure"]))).status_code == 200
    link = guard.link_token("acc-1")
    assert link
    assert (await ask(guard, "/mine", link)).status_code == 200


def test_settings_that_could_never_check_a_token_stop_the_start() -> None:
    with pytest.raises(BadSettings, match="TENURE_AUTH_JWKS_URL"):
        Guard(settings(auth_secret=None))
    with pytest.raises(BadSettings, match="32 bytes"):
        Guard(settings(auth_secret="short"))
