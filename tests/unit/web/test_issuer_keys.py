"""Keys of another issuer: whose tokens are good, and that an issuer that is away or slow delays nobody for long."""

import asyncio
import hmac
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm
from jwt.utils import base64url_encode

from shared.runtime.settings import Settings
from shared.web import limits
from shared.web.auth import LINK_AUDIENCE, Guard
from shared.web.issuer_keys import IssuerKeys, KeysAway
from shared.web.problems import Problem
from tests.kit.cases import cases
from tests.kit.waiting import eventually
from tests.unit.web.issuer import Issuer, PrivateKey, private_key, running_issuer, signed

KEY = private_key()


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with running_issuer() as issuer:
        issuer.publish(("k1", KEY))
        yield issuer


@pytest.fixture
def guard(issuer: Issuer) -> Guard:
    return Guard(Settings.model_validate({"auth_jwks_url": issuer.url, "auth_secret": "s" * 32}))


async def status(guard: Guard, token: str) -> int:
    """As HTTP would answer."""
    try:
        await guard.caller(token)
    except Problem as problem:
        return int(problem.status)
    return 200


async def test_a_token_is_checked_against_published_keys(guard: Guard) -> None:
    assert (await guard.caller(signed(KEY, scope="operator"))).operator
    other = private_key()
    for bad in (
        signed(other),
        signed(KEY, "k2"),
        signed(KEY, ""),
        signed(KEY, aud=LINK_AUDIENCE),
    ):
        assert await status(guard, bad) == 401


async def test_without_a_secret_of_ours_there_are_no_links(issuer: Issuer) -> None:
    guard = Guard(Settings.model_validate({"auth_jwks_url": issuer.url}))
    assert guard.link_token("acc-1") is None


async def test_any_number_of_unknown_keys_causes_one_fetch(guard: Guard, issuer: Issuer) -> None:
    tokens = [signed(private_key(), f"unknown-{number}") for number in range(50)]
    assert set(await asyncio.gather(*(status(guard, each) for each in tokens))) == {401}
    assert {await status(guard, each) for each in tokens} == {401}
    assert issuer.asked == 1


async def test_an_issuer_that_is_away_is_asked_once_and_costs_nobody_time(unused_tcp_port: int) -> None:
    url = f"http://127.0.0.1:{unused_tcp_port}/keys"
    guard = Guard(Settings.model_validate({"auth_jwks_url": url}))
    began = time.monotonic()
    answers = await asyncio.gather(*(status(guard, signed(KEY, f"k{number}")) for number in range(24)))
    assert set(answers) == {503}
    assert time.monotonic() - began < 5


async def test_keys_that_are_away_say_nothing_about_a_token(guard: Guard, issuer: Issuer) -> None:
    issuer.status = 500
    assert await status(guard, signed(KEY)) == 503
    ours = guard.link_token("acc-1")
    assert ours
    assert await status(guard, ours) == 200


async def test_a_token_of_ours_is_never_checked_with_a_published_key(guard: Guard) -> None:
    """The attack takes a public key, which everybody has, for the secret of HS256."""
    _, claims, _ = signed(KEY).split(".")
    head = base64url_encode(json.dumps({"typ": "JWT", "kid": "k1", "alg": "HS256"}).encode()).decode()
    for public in (ECAlgorithm.to_jwk(KEY.public_key()).encode(), pem(KEY)):
        signature = hmac.digest(public, f"{head}.{claims}".encode(), "sha256")
        assert await status(guard, f"{head}.{claims}.{base64url_encode(signature).decode()}") == 401


@cases("algorithm", ["none", "HS512", "hs256", "", "RS256", 7, None, ["HS256"], {}])
async def test_a_header_that_names_another_algorithm_is_answered_401(guard: Guard, algorithm: Any) -> None:
    _, claims, signature = signed(KEY).split(".")
    forged = base64url_encode(json.dumps({"typ": "JWT", "kid": "k1", "alg": algorithm}).encode()).decode()
    assert await status(guard, f"{forged}.{claims}.{signature}") == 401
    assert await status(guard, f"{forged}.{claims}.") == 401


class Clock:
    """Seconds that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_a_new_key_is_found_after_the_pause(issuer: Issuer) -> None:
    clock = Clock()
    keys = IssuerKeys(issuer.url, clock)
    assert await keys.key("k2") is None
    issuer.publish(("k1", KEY), ("k2", private_key()))
    clock.now = limits.KEYS_PAUSE_SECONDS - 0.01
    assert await keys.key("k2") is None
    clock.now = limits.KEYS_PAUSE_SECONDS
    assert await keys.key("k2") is not None
    assert issuer.asked == 2


async def test_a_failure_is_remembered_for_the_pause_and_no_longer(issuer: Issuer) -> None:
    clock = Clock()
    keys = IssuerKeys(issuer.url, clock)
    issuer.status = 500
    for clock.now in (0.0, limits.KEYS_PAUSE_SECONDS - 0.01):
        with pytest.raises(KeysAway):
            await keys.key("k1")
    assert issuer.asked == 1
    issuer.status, clock.now = 200, limits.KEYS_PAUSE_SECONDS
    assert await keys.key("k1") is not None


async def test_known_keys_stay_in_use_while_the_issuer_is_away_and_go_when_it_withdraws_them(issuer: Issuer) -> None:
    clock = Clock()
    keys = IssuerKeys(issuer.url, clock)
    assert await keys.key("k1") is not None
    issuer.status, clock.now = 500, limits.KEYS_FRESH_SECONDS + 1
    for _ in range(5):
        assert await keys.key("k1") is not None
    await eventually(lambda: asked(issuer, 2))
    issuer.status, clock.now = 200, clock.now + limits.KEYS_PAUSE_SECONDS + 1
    issuer.publish(("k3", KEY))
    assert await keys.key("k1") is not None
    await eventually(lambda: asked(issuer, 3))
    await eventually(lambda: gone(keys, "k1"))


def pem(key: PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


async def asked(issuer: Issuer, times: int) -> bool:
    return issuer.asked == times


async def gone(keys: IssuerKeys, key_id: str) -> bool:
    return await keys.key(key_id) is None


@cases(
    "document",
    [
        b"",
        b"no json",
        b"[]",
        b"null",
        b'{"keys": 7}',
        b'{"keys": [7]}',
        b'{"keys": []}',
        b"\xff",
        b"[" * 100_000,
        b" " * (limits.KEYS_BYTES + 1),
    ],
)
async def test_what_is_no_set_of_keys_is_an_issuer_that_is_away(guard: Guard, issuer: Issuer, document: bytes) -> None:
    issuer.document = document
    assert await status(guard, signed(KEY)) == 503


async def test_only_public_keys_for_signatures_are_used(guard: Guard, issuer: Issuer) -> None:
    symmetric: dict[str, Any] = {"kty": "oct", "k": "c2VjcmV0" * 6, "kid": "oct", "alg": "HS256"}
    nameless = {"kty": "oct", "k": "c2VjcmV0" * 6}
    issuer.publish(("k1", KEY), more=[symmetric, nameless, {"kty": "unheard of", "kid": "odd"}])
    assert await status(guard, signed(KEY)) == 200
    assert await status(guard, signed(KEY, "oct")) == 401
