"""Signatures of links and addresses."""

import pytest

from shared.web.signatures import is_signed, sign
from tests.kit.cases import cases

SECRET = "a secret of the tests, long enough for HS256"


def test_what_was_signed_is_known_again_in_either_case() -> None:
    signature = sign(SECRET, "bounce", ["ntf-1"])
    assert is_signed(signature, SECRET, "bounce", ["ntf-1"])
    assert is_signed(signature.upper(), SECRET, "bounce", ["ntf-1"])


@cases(
    ("secret", "purpose", "parts"),
    [
        ("another secret of the tests, long enough too", "bounce", ["ab", "c"]),
        (SECRET, "unsubscribe", ["ab", "c"]),
        (SECRET, "bounce", ["a", "bc"]),
        (SECRET, "bounce", ["abc"]),
        (SECRET, "bounce", ["c", "ab"]),
    ],
)
def test_a_signature_holds_for_its_secret_its_purpose_and_its_parts_alone(
    secret: str, purpose: str, parts: list[str]
) -> None:
    assert not is_signed(sign(SECRET, "bounce", ["ab", "c"]), secret, purpose, parts)


@pytest.mark.parametrize("signature", ["", "0" * 24, "é", "\x00"])
def test_what_is_no_signature_is_refused(signature: str) -> None:
    assert not is_signed(signature, SECRET, "bounce", ["ntf-1"])


def test_a_bounce_address_has_room_for_it() -> None:
    assert len(f"bounce+ntf-{'0' * 24}.{sign(SECRET, 'bounce', ['ntf-1'])}") <= 64
