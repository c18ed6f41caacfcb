"""Whatever a token contains, it is good or answered 401: claims of any type, any bytes, any size."""

import base64
import json
import time
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.runtime.settings import Settings
from shared.web import limits
from shared.web.auth import Caller, Guard
from shared.web.problems import Problem
from tests.kit.cases import cases

SECRET = "a secret that is long enough for HS256"
NEVER = 10**18
HUGE = "1" * 5000
CLAIMS = ("sub", "exp", "nbf", "iat", "aud", "scope", "iss", "jti")

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)


def guard() -> Guard:
    return Guard(Settings.model_validate({"auth_secret": SECRET, "http_rate_per_token": 1_000_000}))


async def verdict(token: str) -> Caller | int:
    """Who the token names, or the status of the answer."""
    try:
        return await guard().caller(token)
    except Problem as problem:
        return int(problem.status)


def signed(**claims: Any) -> str:
    """With the claims as they are, also such as no library would write."""
    return signed_text(json.dumps({"sub": "acc-1", "exp": time.time() + 3600} | claims))


def signed_text(payload: str | bytes) -> str:
    raw = payload.encode("utf-8", "surrogatepass") if isinstance(payload, str) else payload
    return jwt.PyJWS().encode(raw, SECRET, algorithm="HS256")


@cases(
    "claims",
    [
        {"aud": None},
        {"aud": 7},
        {"aud": [None]},
        {"aud": [["tenure"]]},
        {"aud": {"tenure": 1}},
        {"scope": ["operator"]},
        {"scope": ["a operator b"]},
        {"scope": None},
        {"scope": {"operator": True}},
        {"scope": True},
        {"sub": None},
        {"sub": 1},
        {"sub": ["acc-1"]},
        {"sub": "a\0b"},
        {"sub": "\ud800"},
        {"sub": "x" * 256},
        {"exp": None},
        {"exp": "tomorrow"},
        {"exp": str(NEVER)},
        {"exp": [NEVER]},
        {"exp": {}},
        {"exp": True},
        {"exp": float("inf")},
        {"exp": float("nan")},
        {"exp": NEVER},
        {"exp": -1},
        {"exp": 0},
        {"nbf": None},
        {"nbf": "yesterday"},
        {"nbf": float("-inf")},
        {"nbf": []},
        {"iat": None},
        {"iat": "yesterday"},
        {"iat": float("nan")},
        {"iat": {}},
    ],
)
async def test_a_claim_of_another_type_or_range_is_answered_401(claims: dict[str, Any]) -> None:
    assert await verdict(signed(**claims)) == 401


@pytest.mark.parametrize("late", [4.0, 6.0])
async def test_times_are_judged_with_five_seconds_of_leeway(late: float) -> None:
    now = time.time()
    expected = 200 if late < 5 else 401
    for claims in ({"exp": now - late}, {"nbf": now + late}, {"iat": now + late}):
        found = await verdict(signed(**claims))
        assert (200 if isinstance(found, Caller) else found) == expected


async def test_claims_that_nobody_reads_may_be_anything() -> None:
    assert isinstance(await verdict(signed(iss=7, jti=[1], azp={"a": None}, nbf=1.5, aud=[])), Caller)


@cases(
    "payload",
    [
        "",
        "null",
        "[]",
        '"acc-1"',
        "7",
        "{",
        f'{{"sub": "acc-1", "exp": {HUGE}}}',
        '{"sub": "acc-1", "exp": 1e400}',
        f'{{"sub": "acc-1", "exp": 9999999999, "x": {"[" * 900}1{"]" * 900}}}',
        "[" * 3000,
        b"\xff\xfe",
        b"\x00",
    ],
)
async def test_claims_that_are_no_object_are_answered_401(payload: str | bytes) -> None:
    token = signed_text(payload)
    assert len(token) <= limits.TOKEN_CHARACTERS
    found = await verdict(token)
    assert found == 401 or isinstance(found, Caller)
    assert found == 401 or "9999999999" in str(payload)


@cases("head", ["[" * 3000, "null", "7", '{"alg": ["HS256"]}', '{"alg": "HS256", "crit": 7}', HUGE])
async def test_a_header_that_is_none_is_answered_401(head: str) -> None:
    _, claims, signature = signed().split(".")
    forged = base64.urlsafe_b64encode(head.encode()).rstrip(b"=").decode()
    assert await verdict(f"{forged}.{claims}.{signature}") == 401


async def test_a_token_may_be_so_long_and_no_longer() -> None:
    exp = int(time.time()) + 3600
    room = limits.TOKEN_CHARACTERS - len(signed(x="", exp=exp))
    longest = signed(x="a" * (room * 3 // 4), exp=exp)
    assert len(longest) in range(limits.TOKEN_CHARACTERS - 4, limits.TOKEN_CHARACTERS + 1)
    assert isinstance(await verdict(longest), Caller)
    assert await verdict(signed(x="a" * (room * 3 // 4 + 8), exp=exp)) == 401


@given(st.dictionaries(st.sampled_from(CLAIMS), values))
async def test_any_claims_are_a_caller_or_401(claims: dict[str, Any]) -> None:
    found = await verdict(signed(**claims))
    assert found == 401 or isinstance(found, Caller)


@given(st.text() | st.binary().map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
async def test_any_text_is_answered_401(text: str) -> None:
    assert await verdict(text) == 401


@given(st.binary(max_size=200))
async def test_any_bytes_signed_are_a_caller_or_401(payload: bytes) -> None:
    found = await verdict(signed_text(payload))
    assert found == 401 or isinstance(found, Caller)
