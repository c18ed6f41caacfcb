"""Opening a recipient's page: the link becomes a cookie and leaves the address; what the cookie may do and how long."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import jwt
import pytest

from notifier_service.app import NOTIFIER
from shared.runtime.settings import Settings
from shared.web.auth import LINK_AUDIENCE, LINK_LIFETIME, SESSION_AUDIENCE, SESSION_COOKIE, SESSION_LIFETIME, Guard
from tests.kit.applications import application
from tests.kit.cases import cases
from tests.kit.tokens import SECRET, bearer

NO_DATABASE = 503
"""What a page is answered whose caller is known: here is nothing to show."""


def token(**claims: Any) -> str:
    return jwt.encode({"sub": "acct-1", "exp": time.time() + 600} | claims, SECRET, algorithm="HS256")


@asynccontextmanager
async def browser(**given: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A client with a jar of cookies, at a notifier that has no database."""
    app = httpx.ASGITransport(app=application(NOTIFIER, **given))
    address = Settings.model_validate(given).public_url.removesuffix("/below")
    async with httpx.AsyncClient(transport=app, base_url=address) as client:
        yield client


def claims_of(answer: httpx.Response) -> dict[str, Any]:
    """What the cookie of an answer says."""
    claims: dict[str, Any] = jwt.decode(answer.cookies[SESSION_COOKIE], SECRET, ["HS256"], audience=SESSION_AUDIENCE)
    return claims


async def test_a_link_becomes_a_cookie_and_leaves_the_address() -> None:
    async with browser() as client:
        answer = await client.get("/inbox", params={"kind": "renewed", "token": token(aud=LINK_AUDIENCE)})
        assert (answer.status_code, answer.headers["location"]) == (303, "/inbox?kind=renewed")
        attributes = {each.strip().lower() for each in answer.headers["set-cookie"].split(";")[1:]}
        assert attributes == {f"max-age={12 * 3600}", "path=/", "httponly", "samesite=lax"}
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert (await client.get("/inbox")).status_code == NO_DATABASE


async def test_over_https_the_cookie_is_secure_and_below_a_path_it_stays_there() -> None:
    async with browser(public_url="https://tenure.example/below") as client:
        answer = await client.get("/inbox", params={"token": token(aud=LINK_AUDIENCE)})
        assert answer.headers["location"] == "/below/inbox"
        assert {"Secure", "Path=/below/"} <= {each.strip() for each in answer.headers["set-cookie"].split(";")}


@cases(
    ("audience", "left", "seconds"),
    [
        (LINK_AUDIENCE, LINK_LIFETIME.total_seconds(), SESSION_LIFETIME.total_seconds()),
        (LINK_AUDIENCE, 60, SESSION_LIFETIME.total_seconds()),
        ("tenure", 600, 600),
        ("tenure", 10**7, SESSION_LIFETIME.total_seconds()),
        (SESSION_AUDIENCE, 600, 600),
    ],
)
async def test_a_session_of_a_token_ends_no_later_than_the_token_and_none_is_renewed(
    audience: str, left: float, seconds: float
) -> None:
    now = time.time()
    async with browser() as client:
        cookie = claims_of(await client.get("/inbox", params={"token": token(aud=audience, exp=now + left)}))
    assert cookie["sub"] == "acct-1"
    assert cookie["exp"] - now == pytest.approx(seconds, abs=60)


@pytest.mark.parametrize("accept_language", ["en", "zh-TW,zh;q=0.9"])
async def test_without_a_good_token_a_page_says_in_words_how_to_get_one(accept_language: str) -> None:
    over = token(aud=LINK_AUDIENCE, exp=time.time() - 60)
    async with browser() as client:
        client.headers["Accept-Language"] = accept_language
        for answer in (await client.get("/inbox"), await client.get("/inbox", params={"token": over})):
            assert answer.status_code == 401
            assert answer.headers["content-type"] == "text/html; charset=utf-8"
            assert ("newest email" if accept_language == "en" else "最近一封邮件") in answer.text
            assert "set-cookie" not in answer.headers


async def test_a_cookie_that_has_ended_or_that_another_has_signed_opens_nothing() -> None:
    over = token(aud=SESSION_AUDIENCE, exp=time.time() - 60)
    forged = jwt.encode({"sub": "acct-1", "exp": time.time() + 60}, "x" * 40, algorithm="HS256")
    for cookie in (over, forged, ""):
        async with browser() as client:
            client.cookies.set(SESSION_COOKIE, cookie)
            for path in ("/inbox", "/api/inbox", "/api/inbox/stream"):
                assert (await client.get(path)).status_code == 401, path


async def test_a_session_opens_the_recipients_paths_and_never_the_operators() -> None:
    async with browser() as client:
        client.cookies.set(SESSION_COOKIE, token(aud=SESSION_AUDIENCE, scope="operator"))
        assert (await client.get("/api/inbox")).status_code == NO_DATABASE
        assert (await client.get("/api/notifications")).status_code == 401
        as_bearer = {"Authorization": f"Bearer {token(aud=SESSION_AUDIENCE, scope='operator')}"}
        assert (await client.get("/api/notifications", headers=as_bearer)).status_code == 403


@cases(
    ("headers", "opened"),
    [
        ({"Sec-Fetch-Site": "same-origin", "Origin": "http://127.0.0.1:8081"}, True),
        ({"Sec-Fetch-Site": "none"}, True),
        ({"Origin": "http://127.0.0.1:8081"}, True),
        ({}, True),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://127.0.0.1:8081"}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Origin": "http://127.0.0.1:8082"}, False),
        ({"Origin": "null"}, False),
    ],
)
async def test_with_a_cookie_only_a_page_of_ours_changes_something(headers: dict[str, str], opened: bool) -> None:
    async with browser() as client:
        client.cookies.set(SESSION_COOKIE, token(aud=SESSION_AUDIENCE))
        answer = await client.post("/api/inbox/read-all", headers=headers)
        assert answer.status_code == (NO_DATABASE if opened else 403)
        assert (await client.get("/api/inbox", headers=headers)).status_code == NO_DATABASE
        both = await client.post("/api/inbox/read-all", headers=headers | bearer("acct-1"))
        assert both.status_code == NO_DATABASE


async def test_without_a_secret_there_is_no_session() -> None:
    async with browser(auth_secret=None) as client:
        assert (await client.get("/inbox", params={"token": token()})).status_code == 401
    assert Guard(Settings.model_validate({})).link_token("acct-1") is None
