"""What operators see of an email address."""

from notifier_service.decisions.recipient import masked
from tests.kit.cases import cases


@cases(
    ("address", "seen"),
    [
        ("ada@example.com", "a…@example.com"),
        (" ada@example.com ", "a…@example.com"),
        ('"a@b"@example.com', '"…@example.com'),
        ("@example.com", "e…@example.com"),
        ("no address", "n…"),
        ("", "…"),
        ("x@" + "d" * 300, "x…@" + "d" * 253),
    ],
)
def test_of_an_address_only_its_first_character_and_its_domain_are_seen(address: str, seen: str) -> None:
    assert masked(address) == seen
