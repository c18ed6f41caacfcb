"""`/mails`: every kind and variant in every language as it will look, for operators.

A browser is let in by an operator's token, once, in the form or in a link; programs send it in the header.
"""

import asyncio
from functools import partial
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qs, urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from notifier_service.content.languages import FALLBACK
from notifier_service.content.localizer import localizer_for
from notifier_service.content.render import MailMetadata
from notifier_service.content.samples.mails import Sample, preview, previews, reader, samples
from notifier_service.content_files import LoadedContent, sample_metadata
from notifier_service.previews.gallery import gallery, gallery_policy, login_page
from notifier_service.previews.viewports import Scheme, page_of
from shared.runtime.settings import Settings
from shared.web.operator_cookie import OperatorCookie
from shared.web.problems import Problem

_PATH: Final = "/mails"
_COOKIE: Final = "tenure_mails"
_OF_A_MAIL: Final = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox;"
    " style-src 'unsafe-inline'; img-src data:"
)
"""Mails have their styles inline, since some mail programs take no others."""


def router(content: LoadedContent, settings: Settings) -> APIRouter:
    """The page, and each mail for its frames."""
    pages = _Pages(content, sample_metadata(settings, content.brand), settings.public_url)
    made = APIRouter(include_in_schema=False)
    made.get(_PATH)(pages.all)
    made.post(_PATH)(pages.enter)
    made.get(f"{_PATH}/{{name}}")(pages.one)
    return made


class _Pages:
    """One method per path."""

    def __init__(self, content: LoadedContent, metadata: MailMetadata, public_url: str) -> None:
        self._content = content
        self._metadata = metadata
        self._made: dict[str, str] = {}
        url = urlsplit(public_url)
        self._cookie = OperatorCookie(_COOKIE, f"{url.path.rstrip('/')}{_PATH}", "strict")
        self._encrypted = url.scheme == "https"

    async def all(self, request: Request, token: str = "", locale: str = FALLBACK) -> Response:
        """All previews in one language; without a good token the form that takes one."""
        try:
            caller = await self._cookie.operator(request, token or self._cookie.token_of(request))
        except Problem as problem:
            return _login(request, problem, asked=bool(token))
        if token:
            return self._cookie.logged_in(token, caller, encrypted=self._encrypted)
        language = self._content.languages.language_for(locale).tag
        if language not in self._made:
            self._made[language] = await asyncio.to_thread(self._gallery, language)
        headers = {"Content-Security-Policy": gallery_policy()}
        return HTMLResponse(self._made[language], headers=headers)

    async def enter(self, request: Request) -> Response:
        """The form was sent."""
        token = parse_qs((await request.body()).decode("latin-1")).get("token", [""])[0].strip()
        try:
            caller = await self._cookie.operator(request, token)
        except Problem as problem:
            return _login(request, problem, asked=True)
        return self._cookie.logged_in(token, caller, encrypted=self._encrypted)

    async def one(self, request: Request, name: str, scheme: Scheme, locale: str = FALLBACK) -> Response:
        """One mail. Raises `Problem`: 401, 403, and 404 for a name that no mail has."""
        await self._cookie.operator(request, self._cookie.token_of(request))
        sample = next((each for each in samples() if each.name == name and each.is_mailed), None)
        if sample is None:
            raise Problem(HTTPStatus.NOT_FOUND, "There is no such mail.")
        headers = {"Content-Security-Policy": _OF_A_MAIL, "X-Frame-Options": "SAMEORIGIN"}
        return HTMLResponse(self._page(sample, locale, scheme), headers=headers)

    def _page(self, sample: Sample, locale: str, scheme: Scheme) -> str:
        contact = reader(self._content.languages.language_for(locale).tag)
        localizer = localizer_for(self._content.languages, contact.locale, contact.time_zone)
        mail = preview(sample, localizer, self._metadata).mail
        return page_of(mail, scheme) if mail else ""

    def _gallery(self, language: str) -> str:
        languages = self._content.languages
        return gallery(
            previews(languages, language, self._metadata),
            language,
            languages={tag: f"?locale={tag}" for tag in languages.by_tag},
            frame=partial(_frame, language),
        )


def _frame(language: str, name: str, scheme: Scheme) -> str:
    return f"mails/{name}?locale={language}&scheme={scheme}"


def _login(request: Request, problem: Problem, *, asked: bool) -> Response:
    """Programs are told what is wrong, people are asked for a token."""
    if problem.status not in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        raise problem
    if "text/html" not in request.headers.get("accept", ""):
        raise problem
    headers = {"Content-Security-Policy": gallery_policy()}
    return HTMLResponse(login_page(problem.detail if asked else ""), problem.status, headers)
