"""The story that `tenure demo` tells: Ann's subscription, from its purchase to its release.

Days and hours are those of the billing zone. One function per chapter, played in the order of `STORY`.
"""

from typing import Any, Final

from tenure.story.chapters import Story, narrated
from tenure.story.driver import Driver
from tenure.story.narrator import Narrator
from tenure.terminal import say

ACCOUNT: Final = "ann"
BEGINS: Final = "2027-01-10T08:59:00+08:00"
CONTACT: Final = {"name": "Ann Lee", "email": "ann@example.com", "locale": "en", "time_zone": "Asia/Shanghai"}
THREE_SERVERS: Final = {
    "edition": "enterprise",
    "protection_mode": "full",
    "protected_servers": 3,
    "cores": 12,
    "value_added": {},
}
FOUR_SERVERS: Final = {**THREE_SERVERS, "protected_servers": 4, "cores": 16}


async def purchase(ann: Narrator) -> None:
    """Ann buys three servers for a month, pays in, gets a coupon and sets up what she needs."""
    await ann.at("2027-01-10 09:00", "Ann buys protection for three servers: one month, renewed automatically")
    for number in (1, 2, 3):
        server = {"account_id": ACCOUNT, "server_id": f"server-{number}", "cores": 4}
        await ann.driver.publish("tenure.server.registered.v1", server)
    await ann.does("tenure.purchase.ordered.v1", **_order("order-1", contact=CONTACT), **_bought())
    ann.check("the subscription expires on 2027-02-10", ann.only("activated")["expires_on"] == "2027-02-10")
    ann.check("one mail and one internal message say so", ann.mailed() == ["activated"] and len(ann.messages) == 1)
    await _sets_up(ann.driver)
    await ann.does("tenure.account.credited.v1", entry_id="entry-1", amount="100.00", currency="USD")
    coupon = {"amount_off": "20.50", "minimum_spend": "50.00", "valid_from": "2027-01-01", "valid_until": "2027-02-28"}
    await ann.does("tenure.coupon.issued.v1", coupon_id="coupon-1", **coupon)


async def renewed_by_itself(ann: Narrator) -> None:
    """The balance, less the coupon, is deducted nine days before the expiration date."""
    await ann.at("2027-02-01 07:59", "Nine days before the expiration date, a minute before eight")
    ann.check("nothing has been deducted yet", ann.kinds() == [])
    await ann.at("2027-02-01 08:00", "Eight o'clock")
    renewed = ann.only("renewed")
    paid = (renewed["fee"], renewed["discount"], renewed["charged"], renewed["balance_after"])
    ann.check("70.50 less the coupon's 20.50 makes 50.00; 50.00 stay", paid == ("70.50", "20.50", "50.00", "50.00"))
    ann.check("the subscription runs until 2027-03-10", renewed["expires_on"] == "2027-03-10")
    await ann.at("2027-02-10 12:00", "The old expiration date")
    ann.check("there was no reminder: it had been renewed", ann.kinds() == [] and ann.mails == [])


async def change_at_renewal(ann: Narrator) -> None:
    """She renews with four servers; they count from the start of the new term."""
    await ann.at("2027-02-12 10:00", "The second month runs; Ann renews for a third, with four servers")
    order = _order("order-2", duration_months=1, specification=FOUR_SERVERS)
    await ann.does("tenure.renewal.change_ordered.v1", **order)
    shown = (await ann.driver.account(ACCOUNT))["purchased_quota"]["servers"]
    ann.check("for now the quota stays at three", shown == 3)
    await ann.at("2027-03-11 00:00", "The third month begins")
    ann.check("the new specification is in effect", ann.kinds() == ["specification_changed"])


async def short_of_balance(ann: Narrator) -> None:
    """The balance does not suffice twice; a payment renews at once."""
    await ann.at("2027-04-01 08:00", "The next deduction: 94.00, but the balance is 50.00")
    failed = ann.only("auto_renewal_failed")
    ann.check("44.00 are missing, nothing was deducted", (failed["shortfall"], failed["balance"]) == ("44.00", "50.00"))
    await ann.at("2027-04-02 08:00", "The next morning")
    ann.check("that was the second attempt", ann.only("auto_renewal_failed")["attempt"] == 2)
    await ann.at("2027-04-02 12:00", "Ann pays 50.00 into her account")
    await ann.does("tenure.account.credited.v1", entry_id="entry-2", amount="50.00", currency="USD")
    ann.check("renewed at once, 6.00 stay", ann.only("renewed")["balance_after"] == "6.00")


async def declined(ann: Narrator) -> None:
    """She declines to renew: one reminder, then grace."""
    await ann.at("2027-04-15 10:00", "Ann decides not to go on")
    await ann.does("tenure.renewal.declined.v1")
    ann.check("the decision is kept", "renewal_declined" in ann.kinds())
    await ann.at("2027-05-03 10:00", "Seven days before the end")
    ann.check("one reminder, with seven days left", ann.only("renewal_due")["days_left"] == 7)
    await ann.at("2027-05-10 23:59", "The last minute of the last day")
    ann.check("it was the only one", ann.kinds() == [])
    await ann.at("2027-05-11 00:00", "Midnight")
    ann.check("expired, with three settings kept", sum(ann.only("expired")["retained"].values()) == 3)


async def back_in_grace(ann: Narrator) -> None:
    """She renews in grace, and finds her settings again."""
    await ann.at("2027-05-13 12:00", "Two days later she has changed her mind")
    await ann.does("tenure.renewal.ordered.v1", **_order("order-3", duration_months=1))
    ann.check("active again", ann.only("renewed")["reactivated"] is True)
    groups = await ann.driver.account(ACCOUNT, "/configuration/asset_group")
    ann.check("all that she had set up is there", [one["key"] for one in groups["entries"]] == ["web"])


async def the_end(ann: Narrator) -> None:
    """Nobody renews: reminder, expiry, release reminder, release; her settings are deleted."""
    await ann.at("2027-06-03 10:00", "Again seven days are left")
    ann.check("a reminder by mail", ann.mailed() == ["renewal_due"])
    await ann.at("2027-06-11 00:00", "Nobody has renewed")
    ann.check("expired", ann.kinds() == ["expired"])
    await ann.at("2027-06-17 10:00", "The day before the release")
    ann.check("a release reminder", ann.kinds() == ["release_due"] and ann.mailed() == ["release_due"])
    await ann.at("2027-06-18 00:00", "Seven days of grace are over")
    ann.check("released, and three settings deleted", sum(ann.only("released")["purged"].values()) == 3)
    gone = await ann.driver.account_status(ACCOUNT, "/configuration/asset_group")
    ann.check("the settings cannot be read any more (410)", gone == 410)


async def what_goes_wrong(ann: Narrator) -> None:
    """A renewal after the release is rejected; a record that is no event becomes a dead letter."""
    await ann.at("2027-06-18 09:00", "Ann tries to renew what has been released")
    await ann.does("tenure.renewal.ordered.v1", **_order("order-4", duration_months=1))
    ann.check("it is refused, with a reason", ann.only("order_rejected")["code"] == "subscription_released")
    say("\n  And somebody sends what is no event")
    await ann.driver.send("purchases", b"this is no event", key=b"ann")
    await ann.settle()
    ann.check("it lies among the dead letters", [one.reason for one in ann.dead_letters] == ["not_json"])
    accounted = sum((await ann.driver.outcomes()).values())
    ann.check(f"all {len(ann.driver.sent)} records are accounted for", accounted == len(ann.driver.sent))


STORY: Final = Story(
    begins=BEGINS,
    addresses={ACCOUNT: CONTACT["email"]},
    chapters=(
        narrated(purchase),
        narrated(renewed_by_itself),
        narrated(change_at_renewal),
        narrated(short_of_balance),
        narrated(declined),
        narrated(back_in_grace),
        narrated(the_end),
        narrated(what_goes_wrong),
    ),
)


async def _sets_up(driver: Driver) -> None:
    for kind, key in (("asset_group", "web"), ("tag", "production"), ("vulnerability_whitelist", "CVE-2026-1")):
        setting = {"account_id": ACCOUNT, "kind": kind, "key": key, "value": ["server-1"]}
        await driver.publish("tenure.configuration.recorded.v1", setting)


def _order(order_id: str, **more: Any) -> dict[str, Any]:
    return {"order_id": order_id, "terms_accepted": True, **more}


def _bought() -> dict[str, Any]:
    return {"specification": THREE_SERVERS, "duration_months": 1, "auto_renewal": True}
