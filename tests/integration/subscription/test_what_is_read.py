"""What an account has gathered over the years is not read with each of its events: the rows that are read, counted."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Final

import pytest

from shared.contracts.inbound import InboundData
from subscription_service.domain.model import Coupon
from subscription_service.domain.pricing import best_coupon
from subscription_service.storage import coupons
from subscription_service.storage.coupons import FAR_AHEAD, Days
from tests.integration.subscription.core import Batch, Core, record
from tests.integration.subscription.test_replaying import event
from tests.unit.domain.acts import revoke
from tests.unit.domain.scenario import (
    ACCOUNT,
    bound,
    coupon,
    credit,
    day,
    purchase,
    registered,
    renewal,
    specification,
    when,
)

NOON: Final = when("2026-01-15 12:00")
NUMBER: Final = 1_000
BOUGHT: Final = purchase(auto_renewal=True)  # E is 2026-02-15, the first attempt on 2026-02-06
EXPIRED: Final = {"valid_from": day("2026-01-01"), "valid_until": day("2026-01-20")}


def batch(at: str, *commands: InboundData, first: int = 0) -> Batch:
    now = when(at)
    return Batch(now, [record(*event(first + number, now, command)) for number, command in enumerate(commands)])


def expired_coupons(number: int) -> list[InboundData]:
    return [coupon(f"k-{each}", amount_off=Decimal("5.00"), **EXPIRED) for each in range(number)]


@pytest.mark.rule("R24")
@pytest.mark.parametrize("number", [10, NUMBER])
def test_expired_coupons_are_never_read(core: Core, number: int) -> None:
    core.begin()
    core.receive(batch("2026-01-15 12:00", BOUGHT, *expired_coupons(number)))
    few = batch("2026-01-16 12:00", registered("s-1"), credit("1.00", "cr-1"), first=5_000)
    assert core.rows_read(few)["coupon"] == 0
    read = core.due_rows_read(when("2026-02-06 08:00"))  # the first attempt to deduct fails
    assert (core.counted()["applied"], read["coupon"]) == (number + 3, 0)
    retried = batch("2026-02-06 12:00", credit("1.00", "cr-2"), first=6_000)
    assert core.rows_read(retried)["coupon"] == 0
    assert core.differences() == []


@pytest.mark.rule("R24", "R25")
def test_coupons_that_can_be_used_are_read_by_attempts_alone_and_used(core: Core) -> None:
    core.begin()
    usable = [coupon(f"usable-{each}", amount_off=None, percent_off=100) for each in range(2)]
    core.receive(batch("2026-01-15 12:00", BOUGHT, *expired_coupons(10), *usable))
    assert core.rows_read(batch("2026-01-16 12:00", credit("1.00", "cr-1"), first=5_000))["coupon"] == 0
    core.receive(Batch(when("2026-02-06 08:00"), ()))
    [used] = [row for row in core.stored()["coupon"] if "auto-" in row]
    assert used.startswith("(usable-0,")


@pytest.mark.rule("R24")
def test_of_thousands_of_coupons_that_can_be_used_only_the_first_are_read_and_the_right_one_is_used(core: Core) -> None:
    core.begin()
    many = [coupon(f"later-{each:04}", amount_off=None, percent_off=100) for each in range(5 * NUMBER)]
    first = coupon("first", amount_off=None, percent_off=100, valid_until=day("2026-03-01"))
    core.receive(batch("2026-01-15 12:00", BOUGHT, *many, first))
    assert len(coupons_read(core, Days(day("2026-02-06"), day("2026-02-06")))) == 1
    assert core.due_rows_read(when("2026-02-06 08:00"))["coupon"] < 100
    [used] = [row for row in core.stored()["coupon"] if "auto-" in row]
    assert used.startswith("(first,")


@pytest.mark.rule("R24", "R25", "R45")
def test_of_many_coupons_enough_are_read_where_events_of_the_same_batch_revoke_the_first(
    core: Core,
) -> None:
    core.begin()
    core.receive(batch("2026-01-15 12:00", BOUGHT))
    core.run_due(when("2026-02-06 08:00"))  # the first attempt to deduct fails
    many = [coupon(f"k-{each:04}", amount_off=None, percent_off=100) for each in range(NUMBER)]
    core.receive(batch("2026-02-06 11:00", *many, first=100))
    retried = batch("2026-02-06 12:00", revoke("k-0000"), revoke("k-0001"), credit("1.00"), first=5_000)
    assert 3 <= core.rows_read(retried)["coupon"] < 100
    [used] = [row for row in core.stored()["coupon"] if "auto-" in row]
    assert used.startswith("(k-0002,")


@pytest.mark.rule("R24")
def test_the_coupon_that_is_tried_is_always_among_those_that_are_read(core: Core) -> None:
    """Over all days of every stretch, for fees below and above each minimum spend, each used one gone."""
    core.begin()
    chance, january = Random(24), day("2026-01-01")
    issued: list[InboundData] = []
    for number in range(12 * NUMBER):
        begins = january + timedelta(days=chance.choice([0, 0, 0, chance.randrange(40)]))
        ends = begins + timedelta(days=chance.choice([chance.randrange(30), 60, 60]))
        spend = Decimal(chance.choice(["0.00", "0.00", "0.00", "0.00", "5.00", "20.00"]))
        dates = {"valid_from": begins, "valid_until": ends}
        issued.append(coupon(f"k-{number}", amount_off=Decimal("1.00"), minimum_spend=spend, **dates))
    core.receive(batch("2026-01-01 12:00", *issued))
    every = coupons_read(core, Days(january, FAR_AHEAD))
    assert len(every) == len(issued)
    for length in (0, 1, 35):
        stretch = Days(day("2026-01-20"), day("2026-01-20") + timedelta(days=length))
        read = coupons_read(core, stretch)
        assert len(read) < len(issued)
        for fee in ("4.00", "10.00", "100.00"):
            assert used_up(read, stretch, fee) == used_up(every, stretch, fee)


def coupons_read(core: Core, days: Days) -> Sequence[Coupon]:
    return core.reading(lambda connection: coupons.usable(connection, {ACCOUNT: days}))[ACCOUNT]


def used_up(usable: Sequence[Coupon], days: Days, fee: str) -> list[Coupon | None]:
    """The coupon of each day, one after the other."""
    left, used = list(usable), []
    for number in range((days.last - days.first).days + 1):
        best = best_coupon(left, Decimal(fee), days.first + timedelta(days=number))
        used.append(best)
        if best is not None:
            left.remove(best)
    return used


@pytest.mark.rule("R35")
def test_a_release_ends_the_bindings_of_servers_that_no_timer_before_it_had_to_read(core: Core) -> None:
    core.begin()
    bought = purchase(specification=specification(mode="partial"))  # E is 2026-02-15
    core.receive(batch("2026-01-15 12:00", bought, registered("s-1"), registered("s-2"), bound("s-1")))
    for at in ("2026-02-08 10:00", "2026-02-16 00:00", "2026-02-22 10:00", "2026-02-23 00:00"):
        core.run_due(when(at))
    assert [row.split(",")[4] for row in core.stored()["server"]] == ["f", "f"]
    assert core.differences() == []


@pytest.mark.rule("R40")
@pytest.mark.parametrize("number", [10, NUMBER])
def test_parked_events_are_not_read_with_others(core: Core, number: int) -> None:
    core.begin()
    core.receive(batch("2026-01-15 12:00", *[bound(f"s-{each}") for each in range(number)]))
    later = batch("2026-01-15 12:01", credit("1.00"), bound("one-more"), first=5_000)
    assert core.rows_read(later)["waiting"] == 0
    assert core.counted() == {"parked": number + 1, "applied": 1}
    core.receive(Batch(NOON + timedelta(minutes=15), ()))
    assert core.counted() == {"parked": 1, "applied": 1, "rejected": number}
    core.receive(Batch(NOON + timedelta(minutes=16), ()))
    assert core.counted() == {"parked": 0, "applied": 1, "rejected": number + 1}


@pytest.mark.rule("R40")
def test_when_a_wait_ends_neither_what_goes_on_waiting_nor_the_servers_are_read(core: Core) -> None:
    core.begin()
    core.receive(batch("2026-01-15 12:00", bound("s-0"), *[registered(f"r-{each}") for each in range(20)]))
    core.receive(batch("2026-01-15 12:01", *[bound(f"s-{each}") for each in range(NUMBER)], first=5_000))
    read = core.due_rows_read(NOON + timedelta(minutes=15))
    assert core.counted() == {"parked": NUMBER, "applied": 20, "rejected": 1}
    assert (read["waiting"] < 10, read["server"]) == (True, 0)
    core.receive(Batch(NOON + timedelta(minutes=16), ()))
    assert core.counted() == {"parked": 0, "applied": 20, "rejected": NUMBER + 1}


@pytest.mark.rule("R4", "R40")
def test_a_purchase_right_after_the_end_of_a_wait_lets_those_go_on_that_still_wait(core: Core) -> None:
    core.begin()
    core.receive(batch("2026-01-15 12:00", renewal("r-1")), batch("2026-01-15 12:05", renewal("r-2"), first=10))
    core.receive(batch("2026-01-15 12:15", purchase(), first=20))
    assert core.counted() == {"parked": 0, "rejected": 1, "applied": 2}
    assert core.differences() == []


@pytest.mark.rule("R40")
def test_what_a_copy_of_an_older_version_parked_is_refused_when_its_time_is_over(core: Core) -> None:
    core.begin()
    core.receive(batch("2026-01-15 12:00", renewal("r-1"), renewal("r-2")))
    core.migrated("UPDATE account SET parked = 0, parked_bytes = 0, first_deadline = NULL")
    core.receive(batch("2026-01-15 12:01", credit("1.00"), first=5_000))
    core.receive(Batch(NOON + timedelta(minutes=15), ()))
    assert core.counted() == {"parked": 0, "applied": 1, "rejected": 2}
