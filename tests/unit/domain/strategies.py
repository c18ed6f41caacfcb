"""Hypothesis strategies for what happens to an account: orders, switches, money, inventory, and time that passes."""

from dataclasses import dataclass
from datetime import date, timedelta

from hypothesis import strategies as st

from shared.contracts import inventory, purchases
from shared.contracts.inbound import InboundData
from shared.contracts.types import Specification
from tests.unit.domain.acts import OPERATOR, cancel, debit, erase, extend, revoke
from tests.unit.domain.imports import import_of, imported_term
from tests.unit.domain.scenario import (
    ANNA,
    BERT,
    bound,
    change,
    contact_changed,
    coupon,
    credit,
    decline,
    disable,
    enable,
    purchase,
    recipient,
    recipients_changed,
    recorded,
    registered,
    released,
    removed,
    renewal,
    renewal_with,
    resized,
    snapshot,
    specification,
    unbound,
    used,
)

IDS = st.uuids().map(str)
SERVERS = st.sampled_from(["s-1", "s-2", "s-3", "s-4"])
CORES = st.integers(0, 12)
MONTHS = st.sampled_from([1, 2, 3, 12, 13])
KEYS = st.sampled_from(["a", "b", "c"])
KINDS = st.sampled_from(["tag", "asset_group"])

SPECIFICATIONS: st.SearchStrategy[Specification] = st.builds(
    specification,
    st.sampled_from(["anti-virus", "advanced", "enterprise", "ultimate", "value-added"]),
    st.sampled_from(["full", "partial"]),
    servers=st.integers(0, 4),
    cores=st.integers(0, 24),
    honeypot=st.sampled_from([0, 0, 0, 20, 5]),
)
ACCEPTED = st.sampled_from([True, True, True, False])

IMPORTS = st.builds(
    import_of,
    st.builds(
        imported_term,
        IDS,
        starts=st.just("2023-12-15 09:00"),
        expires=st.just("2024-12-15"),
        months=st.just(12),
        bought=SPECIFICATIONS,
    ),
    import_id=IDS,
    cycle=st.sampled_from([None, 1, 3]),
)
"""Accepted where no subscription is active or in grace, which in a life is after a release."""
ORDERS: st.SearchStrategy[InboundData] = st.one_of(
    IMPORTS,
    st.builds(renewal, IDS, months=MONTHS, accepted=ACCEPTED),
    st.builds(renewal_with, SPECIFICATIONS, IDS, months=MONTHS, accepted=ACCEPTED),
    st.builds(change, SPECIFICATIONS, IDS, accepted=ACCEPTED),
    st.builds(
        purchase, IDS, months=MONTHS, specification=SPECIFICATIONS, auto_renewal=st.booleans(), terms_accepted=ACCEPTED
    ),
)
SWITCHES: st.SearchStrategy[InboundData] = st.one_of(
    st.builds(enable, st.sampled_from([1, 3, 12, 2])),
    st.builds(enable, st.sampled_from([1, 3])),
    st.builds(disable),
    st.builds(decline),
    st.builds(contact_changed, st.sampled_from([ANNA, BERT])),
)
FINANCE = recipient("finance", "renewed", "auto_renewal_failed")
LISTS: st.SearchStrategy[InboundData] = st.builds(
    lambda chosen: recipients_changed(*chosen),
    st.lists(st.sampled_from([FINANCE, recipient("operations"), recipient("audit", "released")]), unique=True),
)
"""Lists of further recipients, also empty ones."""
MONEY: st.SearchStrategy[InboundData] = st.one_of(
    st.builds(credit, st.decimals("0.01", "600.00", places=2).map(str), IDS),
    st.builds(debit, st.decimals("0.01", "200.00", places=2).map(str), IDS),
    st.builds(revoke, IDS),
    st.builds(coupon, IDS, percent_off=st.integers(1, 100)),
    st.builds(coupon, IDS, amount_off=st.decimals("0.01", "90.00", places=2)),
)


def snapshots() -> st.SearchStrategy[inventory.InventorySnapshot]:
    return st.builds(snapshot, st.dictionaries(SERVERS, st.tuples(CORES, st.booleans()), max_size=4))


INVENTORY: st.SearchStrategy[InboundData] = st.one_of(
    st.builds(registered, SERVERS, CORES),
    st.builds(resized, SERVERS, CORES),
    st.builds(released, SERVERS),
    st.builds(bound, SERVERS),
    st.builds(unbound, SERVERS),
    snapshots(),
)
SETTINGS: st.SearchStrategy[InboundData] = st.one_of(
    st.builds(recorded, KEYS, KINDS),
    st.builds(removed, KEYS, KINDS),
    st.builds(used, st.integers(0, 50)),
)
RENEWALS = st.builds(renewal, IDS, months=st.sampled_from([1, 3]))
LAST_ORDER = "the-last-one"
"""Stands for the order of the last term, which is known when the act comes."""
PRESENT_E = date(1999, 1, 1)
"""Stands for the present E, which is known when the act comes."""
ACTS: st.SearchStrategy[InboundData] = st.one_of(
    st.builds(cancel, st.sampled_from([LAST_ORDER, LAST_ORDER, "p-0"]), operator=st.sampled_from([OPERATOR, None])),
    st.builds(
        extend, st.sampled_from([1, 3, 8, 29, 366]), st.sampled_from([PRESENT_E, PRESENT_E, date(2024, 2, 2)]), IDS
    ),
    st.builds(erase),
)
COMMANDS = st.one_of(RENEWALS, ACTS, ORDERS, SWITCHES, LISTS, MONEY, INVENTORY, INVENTORY, SETTINGS)
PAUSES = st.one_of(
    st.timedeltas(timedelta(0), timedelta(hours=6)),
    st.timedeltas(timedelta(0), timedelta(hours=36)),
    st.timedeltas(timedelta(0), timedelta(days=30)),
)


DAYS = st.sampled_from([(7,), (30, 15, 7, 3, 1), (9, 1)])
"""`reminder_days` of a policy."""
NOTICES = st.sampled_from([(), (7,), (21, 7, 1), (1, 0)])
"""`charge_notice_days` of a policy."""


@dataclass(frozen=True)
class Life:
    """A purchase with auto-renewal, then each time a pause and something that happens."""

    bought: purchases.PurchaseOrdered
    steps: list[tuple[timedelta, InboundData]]


PURCHASES = st.builds(
    purchase,
    st.just("p-0"),
    months=st.sampled_from([1, 1, 3]),
    auto_renewal=st.just(True),
    specification=st.builds(
        specification, mode=st.sampled_from(["full", "partial"]), servers=st.just(2), cores=st.just(12)
    ),
)
STEPS = st.lists(st.tuples(PAUSES, COMMANDS), min_size=3, max_size=30)
SOON = st.timedeltas(timedelta(0), timedelta(hours=6))
"""While the first term is still in force."""

LIVES = st.builds(Life, PURCHASES, STEPS)
"""The purchase is always accepted."""

RENEWED_LIVES = st.builds(
    lambda bought, renewals, steps: Life(bought, [*renewals, *steps]),
    PURCHASES,
    st.lists(st.tuples(SOON, RENEWALS), min_size=1, max_size=4),
    STEPS,
)
"""Lives in which the first subscription is renewed at least once."""

CHARGED_LIVES = st.builds(
    lambda bought, paid, steps: Life(bought, [*paid, (timedelta(days=90), disable()), *steps]),
    PURCHASES,
    st.lists(st.tuples(SOON, MONEY), max_size=4),
    STEPS,
)
"""Lives in which auto-renewal tries to deduct at least once, with or without enough money."""

REFUSED = st.one_of(
    st.builds(renewal, IDS, months=st.just(13)),
    st.builds(enable, st.just(2)),
    st.builds(purchase, IDS, terms_accepted=st.just(False)),
)
"""Orders that are refused whatever the state of the subscription."""

REFUSED_LIVES = st.builds(
    lambda bought, before, refused, after: Life(bought, [*before, refused, *after]),
    PURCHASES,
    STEPS,
    st.tuples(PAUSES, REFUSED),
    STEPS,
)
"""Lives in which at least one order is refused."""
