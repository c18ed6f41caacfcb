"""The pages of the list of accounts on a real database: in order, each account once, whatever the filters are."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from shared.contracts.state import SubscriptionState
from shared.contracts.topics import PURCHASES, TOPIC_OF_TYPE
from subscription_service.domain.listing import NO_E, AccountFilters
from subscription_service.storage import account_list
from subscription_service.storage.account_list import START, ListedAccount, Place
from tests.integration.subscription.core import Batch, Core, record
from tests.kit.events import START as NOW
from tests.kit.events import credit, event, purchase, renewal

OPERATIONS: Final = Path(__file__).parents[3] / "docs" / "operations.md"
E: Final = date(2026, 2, 5)
ALL: Final = AccountFilters()


def ids(found: list[ListedAccount]) -> list[str]:
    return [each.place.account_id for each in found]


def page(core: Core, filters: AccountFilters = ALL, *, after: Place = START, limit: int = 1000) -> list[ListedAccount]:
    return core.reading(lambda connection: account_list.page(connection, filters, after=after, limit=limit))


def whole(core: Core, filters: AccountFilters, limit: int, between: Callable[[], None] = lambda: None) -> list[str]:
    """All pages, with something that happens between them."""
    found: list[str] = []
    after = START
    while rows := page(core, filters, after=after, limit=limit):
        found += ids(rows)
        after = rows[-1].place
        between()
    return found


def receive(core: Core, *events: dict[str, Any]) -> None:
    core.receive(Batch(NOW, [record(TOPIC_OF_TYPE[one["type"]], one) for one in events]))


def different_accounts(core: Core) -> None:
    """Three that expire on one day, one a month later, one of another edition, one released, two without a purchase."""
    core.begin()
    old = purchase("a-released", NOW - timedelta(days=60))
    core.receive(Batch(NOW - timedelta(days=60), [record(PURCHASES, old)]))
    core.run_due(NOW)
    advanced = {"edition": "advanced", "protection_mode": "full", "protected_servers": 1, "cores": 0, "value_added": {}}
    declined = event("renewal.declined", NOW, account_id="b-declined")
    receive(
        core,
        purchase("c-plain", NOW),
        purchase("b-declined", NOW),
        purchase("d-automatic", NOW, auto_renewal=True),
        purchase("a-later", NOW, duration_months=2),
        purchase("e-advanced", NOW, specification=advanced, duration_months=3),
        credit("z-credited", "5.00"),
        credit("y-credited", "7.00"),
        declined,
        renewal("x-unknown", NOW),
    )


EVERYBODY: Final = [
    *("b-declined", "c-plain", "d-automatic"),
    *("a-later", "e-advanced"),
    *("a-released", "y-credited", "z-credited"),
]


@pytest.mark.parametrize("limit", range(1, 10))
def test_pages_of_any_size_have_each_account_once_in_order_those_without_e_last(core: Core, limit: int) -> None:
    different_accounts(core)
    assert whole(core, ALL, limit) == EVERYBODY


@pytest.mark.parametrize(
    ("filters", "fitting"),
    [
        (AccountFilters(state=SubscriptionState.ACTIVE), EVERYBODY[:5]),
        (AccountFilters(state=SubscriptionState.GRACE), []),
        (AccountFilters(state=SubscriptionState.RELEASED), ["a-released"]),
        (AccountFilters(state=SubscriptionState.NONE), ["y-credited", "z-credited"]),
        (AccountFilters(edition="advanced"), ["e-advanced"]),
        (AccountFilters(edition="basic"), ["a-released"]),
        (AccountFilters(auto_renewal=True), ["d-automatic"]),
        (AccountFilters(failing=True), []),
        (AccountFilters(declined=True), ["b-declined"]),
        (AccountFilters(declined=False, state=SubscriptionState.ACTIVE), EVERYBODY[1:5]),
        (AccountFilters(expires_from=E), EVERYBODY[:5]),
        (AccountFilters(expires_from=E + timedelta(days=1)), EVERYBODY[3:5]),
        (AccountFilters(expires_to=E), EVERYBODY[:3]),
        (AccountFilters(expires_to=E - timedelta(days=1)), []),
        (AccountFilters(expires_from=E, expires_to=E, auto_renewal=False), EVERYBODY[:2]),
    ],
)
def test_every_filter_shows_those_that_fit_alone(core: Core, filters: AccountFilters, fitting: list[str]) -> None:
    different_accounts(core)
    assert whole(core, filters, 1) == whole(core, filters, 2) == ids(page(core, filters)) == fitting


def test_a_row_has_what_the_list_shows(core: Core) -> None:
    different_accounts(core)
    [plain] = page(core, AccountFilters(expires_to=E, declined=False, auto_renewal=False))
    assert (plain.place, plain.group.word) == (Place(E, "c-plain"), "active/enterprise")
    assert (plain.ends_at, str(plain.balance), plain.contact_name) == ("2026-02-05T16:00:00Z", "0.00", "Ann")
    *_, credited = page(core)
    assert (credited.place.day, credited.ends_at, credited.contact_name) == (NO_E, None, None)
    assert (credited.group.edition, str(credited.balance)) == (None, "5.00")


def test_an_account_that_moves_back_between_two_pages_is_not_there_again_and_one_that_moves_on_may_be(
    core: Core,
) -> None:
    different_accounts(core)
    moves = iter([renewal("b-declined", NOW), renewal("d-automatic", NOW, duration_months=3)])

    def between() -> None:
        if (moved := next(moves, None)) is not None:
            receive(core, moved)

    assert whole(core, ALL, 2, between) == [
        *("b-declined", "c-plain"),  # the first moves behind all that come, and is listed again
        *("d-automatic", "a-later"),
        *("b-declined", "e-advanced"),
        *("d-automatic", "a-released"),
        *("y-credited", "z-credited"),
    ]


def test_what_is_known_of_an_account_from_now_on_is_listed_and_what_only_waits_is_not(core: Core) -> None:
    core.begin()
    receive(core, renewal("early", NOW))
    assert ids(page(core)) == []
    receive(core, purchase("early", NOW))
    assert [each.place for each in page(core)] == [Place(date(2026, 3, 5), "early")]


def test_a_page_by_groups_is_read_in_the_order_of_the_index(core: Core) -> None:
    """However many accounts there are: no more rows than a page has are read of each group."""
    core.begin()
    receive(core, *(purchase(f"acct-{number:03}", NOW) for number in range(400)))
    wanted = AccountFilters(state=SubscriptionState.ACTIVE, edition="enterprise", declined=False)
    read = core.rows_read_by(lambda connection: account_list.page(connection, wanted, after=START, limit=10))
    assert read["account"] <= 30


def test_the_list_of_rows_that_an_older_version_wrote_can_be_worked_out_anew(core: Core) -> None:
    different_accounts(core)
    core.run_due(NOW + timedelta(days=30))  # 4 February: a failed deduction
    core.run_due(NOW + timedelta(days=33))  # 7 February: grace
    listed = page(core)
    assert {each.group.state for each in listed} == set(SubscriptionState)
    core.migrated("UPDATE account SET list_group = NULL, listed_day = NULL")
    assert page(core) == []
    script = OPERATIONS.read_text("utf-8").partition("<!-- counts anew -->\n```sql\n")[2].partition("```")[0]
    core.migrated(*[each for each in script.split(";\n") if each.strip() and each not in ("BEGIN", "COMMIT")])
    assert page(core) == listed
