"""The data dictionary: one annotated type for each meaning that a field of the contracts can have.

Each type is a format of `scalars.py` with a description, which states the unit, and an example. Both appear in the
JSON Schemas, the AsyncAPI and OpenAPI documents; neither changes what is accepted.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import Field, Strict, StringConstraints

from shared.contracts.scalars import (
    INTEGRAL,
    MAX_DEPTH,
    Amount,
    Count,
    Day,
    Flag,
    Id,
    Instant,
    Json,
    PositiveMoney,
    Quantity,
    SafeInteger,
    Text,
    UnsignedMoney,
    Whole,
)


def described(description: str, *examples: Any) -> Any:
    """The description of a field, with its unit, and examples as they are in JSON."""
    return Field(description=description, examples=list(examples))


MONEY: Final = "An amount in the catalog's currency, two decimals."

# Ids
AccountId = Annotated[Id, described("Id of the account (the customer).", "acct-1001")]
SubscriptionId = Annotated[
    Id,
    described("Id of the account's latest subscription; null where it never had one.", "sub-acct-1001-1"),
]
OrderId = Annotated[
    Id,
    described(
        "Id of the order, unique over all accounts (R39); those of automatic orders begin with `auto-sub-`.",
        "ord-20260131-0001",
    ),
]
OrderTakenBack = Annotated[Id, described("Id of the renewal order that is taken back.", "ord-20260131-0001")]
ExtensionId = Annotated[Id, described("Id of the extension, unique over all accounts (R39).", "extension-4711")]
EntryId = Annotated[Id, described("Id of the ledger entry, unique over all accounts (R39).", "pay-77120")]
CouponId = Annotated[Id, described("Id of the coupon, unique over all accounts (R39).", "coupon-spring-20")]
ImportId = Annotated[Id, described("Id of the import, unique over all accounts (R39).", "imp-acct-1001")]
RecipientId = Annotated[Id, described("Id of a further recipient, unique within the account (R52).", "finance")]
ServerId = Annotated[Id, described("Id of the server, unique within the account.", "srv-17")]
NotificationId = Annotated[
    Id,
    described(
        "Id of the notification: one lifecycle event on one channel, to one recipient.", "ntf-2367bad905f424a10132287d"
    ),
]
LifecycleEventId = Annotated[Id, described("`id` of the lifecycle event that the customer is told of.", "acct-1001:6")]
OrderType = Annotated[str, described("`type` of the event in that is refused.", "tenure.renewal.ordered.v1")]
LifecycleType = Annotated[
    str, described("`type` of the lifecycle event that the customer is told of.", "tenure.subscription.renewed.v1")
]

# The contact
PersonName = Annotated[
    str,
    StringConstraints(max_length=256),
    described("Name used in the greeting, at most 256 characters.", "Amélie O'Neil"),
]
EmailAddress = Annotated[
    str,
    StringConstraints(min_length=1, max_length=320),
    described("Email address, at most 320 characters; the notifier checks whether it can be used.", "ada@example.org"),
]
Locale = Annotated[
    str,
    StringConstraints(max_length=35),
    described("Language tag (BCP 47); without texts in that language the notifier writes English.", "en", "zh-CN"),
]
TimeZone = Annotated[
    str,
    StringConstraints(max_length=64),
    described("IANA time zone in which the customer reads instants; an unknown one counts as UTC.", "Europe/Paris"),
]

# What is bought
DURATIONS: Final = frozenset((*range(1, 13), 24, 36))
"""Months that can be ordered (R3)."""
DurationMonths = Annotated[SafeInteger, described("Duration that is ordered, in months: 1 to 12, 24 or 36 (R3).", 12)]
CycleMonths = Annotated[SafeInteger, described("Length of the auto-renewal cycle, in months: 1, 3 or 12 (R3).", 1)]
TermMonths = Annotated[Whole, described("Length of the term, in months.", 1)]
ProtectedServers = Annotated[
    Quantity,
    described("Quota of protected servers, in servers; counts where the edition counts servers (R7).", 5),
]
QuotaCores = Annotated[
    Quantity,
    described("Quota of CPU cores, in cores; counts where the edition counts cores (R7).", 20),
]
AnchorDay = Annotated[
    int,
    Strict(),
    Field(ge=1, le=31),
    INTEGRAL,
    described("Day of the month on which every E falls, or on the last day of a shorter month (R1).", 31),
]
IsDeclined = Annotated[Flag, described("Whether the customer has declined to renew (R28).", False)]
WantsAutoRenewal = Annotated[Flag, described("Whether the purchase switches auto-renewal on (R11).", True)]
TermsAccepted = Annotated[Flag, described("Whether the terms of service were accepted (R6).", True)]

# Days and instants
ExpiresOn = Annotated[
    Day,
    described("E: the last day of service, a calendar day in the billing zone.", "2026-02-28"),
]
TermExpiresOn = Annotated[
    Day,
    described("The last day of the term, a calendar day in the billing zone; of the last term it is E.", "2026-02-28"),
]
StartsAt = Annotated[Instant, described("Start of the term, inclusive; UTC.", "2026-01-31T02:15:30Z")]
EndsAt = Annotated[
    Instant,
    described("End of the last term, exclusive; UTC: 00:00 in the billing zone after E.", "2026-02-28T16:00:00Z"),
]
TermEndsAt = Annotated[Instant, described("End of the term, exclusive; UTC.", "2026-02-28T16:00:00Z")]
EffectiveAt = Annotated[Instant, described("From when the new specification is in force; UTC.", "2026-02-28T16:00:00Z")]
EffectiveOn = Annotated[
    Day,
    described("The day on which the switch takes effect, from 00:00 in the billing zone (R21, R28).", "2026-02-13"),
]
FirstAttemptAt = Annotated[
    Instant,
    described("When the first deduction is attempted; UTC; null where none can come before E.", "2026-02-19T00:00:00Z"),
]
NextAttemptAt = Annotated[
    Instant,
    described("When the next deduction is attempted; UTC; null where none is to come.", "2026-02-20T00:00:00Z"),
]
AttemptAt = Annotated[
    Instant,
    described("When the deduction is attempted; UTC; null where no attempt is planned.", "2026-02-20T00:00:00Z"),
]
AnnouncedAttemptAt = Annotated[
    Instant, described("When the first deduction for this E is attempted; UTC.", "2026-02-19T00:00:00Z")
]
RetainedUntil = Annotated[
    Instant,
    described("End of the grace period, when the subscription is released; UTC.", "2026-04-07T16:00:00Z"),
]
ReleaseAt = Annotated[Instant, described("When the subscription will be released; UTC.", "2026-04-07T16:00:00Z")]
ReleasedAt = Annotated[Instant, described("When the subscription was released; UTC.", "2026-04-07T16:00:00Z")]
DaysLeft = Annotated[
    Whole,
    described("Days from the billing date of `recordedat` to E; 0 where E is past.", 7),
]

# Money
Credit = Annotated[PositiveMoney, described(f"What is added to the balance. {MONEY}", "250.00")]
Debit = Annotated[PositiveMoney, described(f"What is taken off the balance. {MONEY}", "20.00")]
AmountOff = Annotated[
    PositiveMoney,
    described(f"What the coupon takes off a fee; null with `percent_off`. {MONEY}", "20.00"),
]
PercentOff = Annotated[
    int,
    Strict(),
    Field(gt=0, le=100),
    INTEGRAL,
    described("What the coupon takes off a fee, in percent of it; null with `amount_off`.", 15),
]
MinimumSpend = Annotated[
    UnsignedMoney,
    described(f"The fee from which on the coupon can be used, 0.00 or more. {MONEY}", "100.00"),
]
ValidFrom = Annotated[
    Day,
    described("The first day on which the coupon can be used, a calendar day in the billing zone.", "2026-02-01"),
]
ValidUntil = Annotated[
    Day,
    described("The last day on which the coupon can be used, a calendar day in the billing zone.", "2026-02-28"),
]
Currency = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Z]{3}$"),
    described("ISO 4217 code of the currency; it must be the catalog's.", "USD"),
]
CatalogCurrency = Annotated[str, described("ISO 4217 code of the catalog's currency.", "USD")]
EventCurrency = Annotated[
    str,
    described(
        "ISO 4217 code of the amounts here; null without amounts, and in events from before it was added.", "USD"
    ),
]
Fee = Annotated[Amount, described(f"Price of the cycle before any discount. {MONEY}", "137.50")]
Discount = Annotated[Amount, described(f"What a coupon took off the fee; 0.00 without one. {MONEY}", "20.00")]
ExpectedDiscount = Annotated[
    Amount, described(f"What the coupon that can be used then takes off the fee; 0.00 without one. {MONEY}", "20.00")
]
Charged = Annotated[Amount, described(f"What was deducted from the balance. {MONEY}", "117.50")]
BalanceAfter = Annotated[Amount, described(f"Balance afterwards. {MONEY}", "132.50")]
Refunded = Annotated[
    Amount,
    described(f"What returned to the balance: what was deducted here for the order (R46). {MONEY}", "117.50"),
]
Balance = Annotated[Amount, described(f"Balance of the account. {MONEY}", "72.50")]
Shortfall = Annotated[Amount, described(f"What the balance lacks. {MONEY}", "45.00")]
ExpectedShortfall = Annotated[
    Amount, described(f"What the balance lacks after the coupon; 0.00 where it covers the fee. {MONEY}", "45.00")
]
PreviousFee = Annotated[
    Amount,
    described(
        "Fee of the last term, as the order list has it; null unless that term has the quoted months and specification."
        f" {MONEY}",
        "137.50",
    ),
]
PriceDifference = Annotated[
    Amount,
    described(
        "Price of the change for the rest of the term, negative where it becomes cheaper; null when the change came"
        f" with a term's start (R19). {MONEY}",
        "41.25",
    ),
]
Attempt = Annotated[Whole, described("Number of the attempt to deduct, from 1 for each E.", 1)]

# Acts of an operator
Operator = Annotated[
    str,
    StringConstraints(min_length=1, max_length=128),
    described("Who did it, 1 to 128 characters; not interpreted.", "o.perez"),
]
ExtensionDays = Annotated[
    int,
    Strict(),
    Field(ge=1, le=366),
    INTEGRAL,
    described("By how many days E moves, 1 to 366.", 3),
]
ExpectedExpiresOn = Annotated[
    Day,
    described("E as the operator knows it, a calendar day in the billing zone; another one refuses it.", "2026-02-28"),
]
Reason = Annotated[
    str,
    StringConstraints(min_length=1, max_length=500),
    described("Why it was done, 1 to 500 characters; not interpreted.", "Credited twice, ticket 4711"),
]

# Servers, capacity, configuration
ServerCores = Annotated[Count, described("CPU cores of the server, in cores.", 4)]
ServerName = Annotated[Text, described("Name of the server, at most 2,000 characters; not interpreted.", "web-17")]
Region = Annotated[Text, described("Where the server is, at most 2,000 characters; not interpreted.", "eu-west-1")]
AssetGroup = Annotated[Text, described("Group of the server, at most 2,000 characters; not interpreted.", "web")]
Tags = Annotated[
    Json,
    described(f"Tags of the server, any JSON, at most {MAX_DEPTH} levels; not interpreted.", {"env": "production"}),
]
IsBound = Annotated[Flag, described("Whether quota is bound to the server (partial mode).", False)]
CapacityInUse = Annotated[
    int,
    Strict(),
    Field(ge=0, le=10**15),
    INTEGRAL,
    described("How much of the feature is in use, in the feature's unit.", 120),
]
ConfigurationKey = Annotated[
    str,
    StringConstraints(min_length=1, max_length=512),
    described("Key of the entry, unique within its kind, 1 to 512 characters.", "web-servers"),
]
ConfigurationValue = Annotated[
    Json,
    described(f"The entry itself, any JSON, at most {MAX_DEPTH} levels; kept unchanged.", {"servers": ["srv-17"]}),
]
EntriesByKind = Annotated[
    Mapping[str, int],
    described("Number of configuration entries, by kind (R31, R35).", {"asset_group": 1, "tag": 2}),
]

# The test clock
ClockNow = Annotated[Instant, described("The time of the test clock after the advance; UTC.", "2026-02-21T02:00:00Z")]
ServiceName = Annotated[str, described("The service that has settled: `subscription` or `notifier`.", "subscription")]
AdvanceId = Annotated[str, described("`id` of the event that advanced the clock.", "advance-3")]
