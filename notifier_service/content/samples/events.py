"""One lifecycle event of every kind and refusal: what the variants, and the tests, are made from. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from shared.contracts.lifecycle import (
    Activated,
    Expired,
    OrderRejected,
    QuotaExceeded,
    Released,
    ReleaseDue,
    RenewalDue,
    Renewed,
)
from shared.contracts.lifecycle_acts import RenewalTakenBack
from shared.contracts.lifecycle_auto_renewal import AutoRenewalFailed, AutoRenewalSwitchedOff, RenewalUpcoming
from shared.contracts.lifecycle_parts import (
    AutoRenewalPlan,
    AutoRenewalStatus,
    BoundQuotaUse,
    Obstacle,
    QuantityRange,
    QuotaUse,
    Quote,
    RefusalValue,
    RejectionCode,
    RenewalMethod,
)
from shared.contracts.types import Contact, Edition, Feature, ProtectionMode, Specification, Term

NOON = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
ENDS_AT = datetime(2026, 12, 1, 16, 0, tzinfo=UTC)
LAST_DAY = date(2026, 12, 1)
RELEASE_AT = ENDS_AT + timedelta(days=7)

ADA = Contact(name="Ada Lovelace", email="ada@example.com", locale="en", time_zone="America/New_York")
LIN = Contact(name="林小雨", email="lin@example.com", locale="zh-CN", time_zone="Asia/Shanghai")

ENTERPRISE = Specification(
    edition=Edition.ENTERPRISE,
    protection_mode=ProtectionMode.FULL,
    protected_servers=18,
    cores=0,
    value_added={Feature.ANTI_RANSOMWARE_GB: 500},
)
ULTIMATE = replace(ENTERPRISE, edition=Edition.ULTIMATE, protected_servers=15, cores=1200, value_added={})
PARTIAL = replace(ENTERPRISE, protection_mode=ProtectionMode.PARTIAL)
TERM = Term(
    order_id="ord-2026-0042",
    starts_at=datetime(2026, 11, 1, 2, 30, tzinfo=UTC),
    ends_at=ENDS_AT,
    expires_on=LAST_DAY,
    months=1,
    specification=ENTERPRISE,
)
RETAINED = {
    "asset_group": 4,
    "tag": 1,
    "quarantined_file": 17,
    "vulnerability_whitelist": 0,
    "baseline_check_policy": 2,
}
HONEYPOTS = QuantityRange(minimum=20, maximum=500, step=1)
REFUSAL_VALUES: Mapping[RejectionCode, tuple[RefusalValue, RefusalValue]] = {
    RejectionCode.EXPECTATION_FAILED: ("2026-12-01", "2026-11-30"),
    RejectionCode.ORDER_NOT_PENDING: ("ord-2026-0100", "ord-2026-0099"),
    RejectionCode.INVALID_DURATION: ("1 to 12, 24 or 36", 13),
    RejectionCode.AMOUNT_OUT_OF_RANGE: ("999999999999.99", "1234567890123.00"),
    RejectionCode.INVALID_CYCLE: ("1, 3 or 12", 6),
    RejectionCode.AUTO_RENEWAL_TOO_LATE: ("2026-11-29", "2026-11-30"),
    RejectionCode.FEATURE_OUT_OF_RANGE: ("0, or 20 to 500 in steps of 1", 7),
    RejectionCode.PENDING_RENEWAL_ORDER: ("2026-12-01T16:00:00+00:00", None),
    RejectionCode.DOWNGRADE_ONLY_AT_RENEWAL: ("enterprise", "advanced"),
    RejectionCode.SERVERS_BELOW_INVENTORY: (14, 10),
    RejectionCode.SERVERS_BELOW_BOUND: (9, 8),
    RejectionCode.CORES_BELOW_INVENTORY: (1250, 1200),
    RejectionCode.CORES_BELOW_BOUND: (96, 64),
    RejectionCode.QUOTA_EXHAUSTED: (13, 12),
}


def usd(months: int, fee: str) -> Quote:
    return Quote(months=months, fee=Decimal(fee), currency="USD")


activated = Activated(
    order_id="ord-2026-0042",
    contact=ADA,
    term=TERM,
    specification=ENTERPRISE,
    expires_on=LAST_DAY,
    ends_at=ENDS_AT,
    auto_renewal=None,
    price=usd(1, "307.00"),
)
first_attempt = datetime(2026, 11, 22, 0, 0, tzinfo=UTC)
auto_renewal_plan = AutoRenewalPlan(cycle_months=1, effective_on=date(2026, 11, 2), first_attempt_at=first_attempt)
renewed = Renewed(
    order_id="ord-2026-0077",
    method=RenewalMethod.MANUAL,
    term=replace(TERM, order_id="ord-2026-0077", starts_at=ENDS_AT, months=12, expires_on=date(2027, 12, 1)),
    expires_on=date(2027, 12, 1),
    ends_at=datetime(2027, 12, 1, 16, 0, tzinfo=UTC),
    reactivated=False,
    price=usd(12, "3684.00"),
)
automatic = replace(
    renewed,
    method=RenewalMethod.AUTOMATIC,
    fee=Decimal("1234.50"),
    discount=Decimal("123.45"),
    charged=Decimal("1111.05"),
    coupon_id="spring-10",
    balance_after=Decimal("88.95"),
    currency="USD",
    price=usd(12, "1234.50"),
)
failed = AutoRenewalFailed(
    fee=Decimal("1234.50"),
    discount=Decimal("34.50"),
    balance=Decimal("1100.25"),
    shortfall=Decimal("99.75"),
    attempt=2,
    next_attempt_at=datetime(2026, 11, 25, 0, 0, tzinfo=UTC),
    currency="USD",
    months=3,
    specification=ENTERPRISE,
    expires_on=LAST_DAY,
    ends_at=ENDS_AT,
)
renewal_due = RenewalDue(
    expires_on=LAST_DAY,
    ends_at=ENDS_AT,
    days_left=7,
    quote=usd(3, "921.00"),
    obstacles=(),
    auto_renewal=AutoRenewalStatus.OFF,
    specification=ENTERPRISE,
)
covered = replace(
    renewal_due,
    auto_renewal=AutoRenewalStatus.WILL_CHARGE,
    attempt_at=datetime(2026, 11, 26, 0, 0, tzinfo=UTC),
    discount=Decimal("0.00"),
    balance=Decimal("1000.10"),
    shortfall=Decimal("0.00"),
)
short = replace(
    covered, discount=Decimal("21.00"), coupon_id="spring-10", balance=Decimal("850.25"), shortfall=Decimal("49.75")
)
renewal_upcoming = RenewalUpcoming(
    expires_on=LAST_DAY,
    attempt_at=datetime(2026, 11, 26, 0, 0, tzinfo=UTC),
    quote=usd(3, "921.00"),
    previous_fee=Decimal("921.00"),
    discount=Decimal("0.00"),
    coupon_id=None,
    balance=Decimal("1000.10"),
    shortfall=Decimal("0.00"),
    obstacles=(),
)
charge_short = replace(
    renewal_upcoming,
    previous_fee=Decimal("890.00"),
    discount=Decimal("21.00"),
    coupon_id="spring-10",
    balance=Decimal("850.25"),
    shortfall=Decimal("49.75"),
)
obstacles = (
    Obstacle(code=RejectionCode.SERVERS_BELOW_INVENTORY, required=20, offered=18),
    Obstacle(code=RejectionCode.CORES_BELOW_INVENTORY, required=1250, offered=1200),
)
quota_exceeded = QuotaExceeded(
    protection_mode=ProtectionMode.FULL,
    servers=QuotaUse(registered=17, quota=15),
    cores=QuotaUse(registered=1250, quota=1200),
    specification=ULTIMATE,
)
quota_exceeded_partial = QuotaExceeded(
    protection_mode=ProtectionMode.PARTIAL, servers=BoundQuotaUse(bound=21, quota=18), cores=None, specification=PARTIAL
)
expired = Expired(
    expires_on=LAST_DAY,
    retained_until=RELEASE_AT,
    retained=RETAINED,
    specification=ENTERPRISE,
    quote=usd(3, "921.00"),
)
release_due = ReleaseDue(
    release_at=RELEASE_AT,
    retained=RETAINED,
    expires_on=LAST_DAY,
    specification=ENTERPRISE,
    quote=usd(3, "921.00"),
)
released = Released(released_at=RELEASE_AT, purged=RETAINED, specification=ENTERPRISE)
switched_off = AutoRenewalSwitchedOff(
    cycle_months=1, effective_on=date(2026, 11, 25), first_attempt_at=None, expires_on=LAST_DAY, ends_at=ENDS_AT
)
renewal_cancelled = RenewalTakenBack(
    order_id="ord-2026-0077",
    expires_on=LAST_DAY,
    ends_at=ENDS_AT,
    refunded=Decimal("0.00"),
    balance_after=Decimal("88.95"),
    currency="USD",
    auto_renewal_off=False,
    anchor_day=1,
    operator="o.perez",
    reason="Ordered twice, ticket 4711",
)


def rejected(code: RejectionCode) -> OrderRejected:
    required, offered = REFUSAL_VALUES.get(code, (None, None))
    return OrderRejected(
        order_id=None if code is RejectionCode.QUOTA_EXHAUSTED else "ord-2026-0099",
        order_type="tenure.server.bound.v1"
        if code is RejectionCode.QUOTA_EXHAUSTED
        else "tenure.renewal.change_ordered.v1",
        code=code,
        message="The quantity of honeypot must be 0, or 20 to 500 in steps of 1; the order says 7.",
        required=required,
        offered=offered,
        contact=ADA,
        feature=Feature.HONEYPOT if code is RejectionCode.FEATURE_OUT_OF_RANGE else None,
        range=HONEYPOTS if code is RejectionCode.FEATURE_OUT_OF_RANGE else None,
    )
