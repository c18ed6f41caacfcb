"""`/mails`: who is let in, and how; what stands on the page; and that a mail in its frame can do nothing."""

from functools import cache
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from notifier_service.content.samples.mails import samples
from notifier_service.content_files import LoadedContent
from notifier_service.previews import pages
from shared.runtime.settings import Settings
from shared.web import problems
from shared.web.auth import Guard
from tenure.tokens import token
from tests.kit.tokens import SECRET
from tests.unit.notifier.samples import LANGUAGES
from tests.unit.notifier.test_branded_mails import BRAND

OPERATOR = token("ops", SECRET, operator=True)
CUSTOMER = token("acct-1", SECRET)
BROWSER = {"Accept": "text/html"}


@cache
def service(public_url: str = "https://mails.example/tenure") -> FastAPI:
    """`/mails` alone, without a database; also served to a browser by tests/browser."""
    settings = Settings.model_validate({"auth_secret": SECRET, "public_url": public_url})
    made = FastAPI()
    made.state.guard = Guard(settings)
    problems.install(made)
    made.include_router(pages.router(LoadedContent(LANGUAGES, BRAND), settings))
    return made


async def ask(path: str, *, method: str = "GET", bearer: str = OPERATOR, **how: Any) -> httpx.Response:
    headers = ({"Authorization": f"Bearer {bearer}"} if bearer else {}) | how.pop("headers", {})
    transport = httpx.ASGITransport(app=service())
    async with httpx.AsyncClient(transport=transport, base_url="https://mails.example") as client:
        return await client.request(method, path, headers=headers, **how)


async def test_every_kind_and_variant_is_shown_in_each_language() -> None:
    for language in LANGUAGES.by_tag:
        page = await ask(f"/mails?locale={language}")
        assert page.status_code == 200
        for sample in samples():
            assert f'<article id="{sample.name}">' in page.text
        assert page.text.count("<iframe ") == 4 * sum(sample.is_mailed for sample in samples())
        assert "script-src" not in page.headers["Content-Security-Policy"]
        assert page.headers["Content-Security-Policy"].startswith("default-src 'none'; ")


async def test_a_mail_stands_in_a_frame_that_can_do_nothing() -> None:
    light, dark = [await ask(f"/mails/expired?locale=en&scheme={scheme}") for scheme in ("light", "dark")]
    for page in (light, dark):
        policy = page.headers["Content-Security-Policy"].split("; ")
        assert {"default-src 'none'", "sandbox", "frame-ancestors 'self'", "img-src data:"} <= set(policy)
        assert 'src="data:image/png;base64,' in page.text
        assert "cid:" not in page.text
    assert "@media not all {" in light.text
    assert "@media all {" in dark.text


@pytest.mark.parametrize("name", ["nothing", "contact_changed", "..%2Fexpired"])
async def test_what_is_no_mail_is_not_found(name: str) -> None:
    assert (await ask(f"/mails/{name}?scheme=light")).status_code == 404


@pytest.mark.parametrize(("bearer", "status"), [("", 401), ("nonsense", 401), (CUSTOMER, 403)])
async def test_only_an_operator_is_let_in(bearer: str, status: int) -> None:
    for path in ("/mails", "/mails/expired?scheme=light"):
        answer = await ask(path, bearer=bearer)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    asked = await ask("/mails", bearer=bearer, headers=BROWSER)
    assert (asked.status_code, '<input id="token"' in asked.text) == (status, True)


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_token_becomes_a_cookie_of_this_page_and_leaves_the_address(method: str) -> None:
    how = {"data": {"token": OPERATOR}} if method == "POST" else {"params": {"token": OPERATOR}}
    opened = await ask("/mails", method=method, bearer="", headers=BROWSER, **how)
    assert (opened.status_code, opened.headers["location"]) == (303, "/tenure/mails")
    cookie = opened.headers["set-cookie"].split("; ")
    assert {"HttpOnly", "SameSite=strict", "Secure", "Path=/tenure/mails"} <= set(cookie)
    shown = await ask("/mails", bearer="", headers=BROWSER | {"Cookie": cookie[0]})
    assert shown.status_code == 200


@pytest.mark.parametrize("given", ["nonsense", CUSTOMER, ""])
async def test_a_token_of_no_use_is_told_and_sets_no_cookie(given: str) -> None:
    refused = await ask("/mails", method="POST", bearer="", headers=BROWSER, data={"token": given})
    assert refused.status_code in (401, 403)
    assert 'role="alert"' in refused.text
    assert "set-cookie" not in refused.headers
