"""The story of a firm that moves in: import, a week in the shadow, the switch-over, what an operator puts
right, new prices with their notice, and the way back.

Days and hours are those of the billing zone. The steps are those of docs/moving-in.md, with the files of
`moving_in_files`. One function per chapter, played in the order of `STORY`.
"""

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from tenure.story.chapters import CommandResult, Story, StoryContext
from tenure.story.moving_in_files import (
    ADDRESSES,
    CUSTOMERS,
    FIELD_OF_COLUMN,
    LIN,
    NORDWIND,
    POLICY,
    SERVERS,
    catalog_with_june,
)
from tenure.terminal import say

_OLD_SYSTEM_TOLD: Final = {(LIN, "renewed"), (NORDWIND, "renewal_due")}
"""What the old system has written to its customers in the week of the shadow."""
_LIN_AT_THE_END: Final = ("2026-07-18", "111.00")
_BY: Final = ("--operator", "o.perez", "--yes")


async def the_export(context: StoryContext) -> None:
    """The export of the old system has a fault, which is named before anything is sent."""
    firm = context.narrator
    await firm.at("2026-05-03 09:00", "The export of the old system is checked; the notifier runs in the shadow")
    (context.folder / "kunden.csv").write_text(CUSTOMERS.replace("2026-05-17", "17.05.2026"), "utf-8")
    (context.folder / "server.csv").write_text(SERVERS, "utf-8")
    say(f"  the columns are named with --map {' --map '.join(FIELD_OF_COLUMN)}")
    checked = await _import(context, "--check")
    fault = "kunden.csv, line 2, column Ende: expected a day as YYYY-MM-DD"
    firm.check("the fault is named by line and column", checked.code == 1 and fault in checked.output)
    (context.folder / "kunden.csv").write_text(CUSTOMERS, "utf-8")
    checked = await _import(context, "--check")
    firm.check("the corrected export has none", checked.code == 0)
    await firm.settle()
    firm.check("and nothing was sent", firm.kinds() == [])


async def the_import(context: StoryContext) -> None:
    """All subscriptions are taken over as they stand; nobody is told; a second run repeats nothing."""
    firm = context.narrator
    await firm.at("2026-05-03 10:00", "The subscriptions are taken over, with servers and balances")
    done = await _import(context)
    await firm.settle()
    firm.check("all three were taken", done.code == 0 and firm.kinds() == ["imported"] * 3)
    firm.check("nobody was told, and nothing was charged", not firm.told() and await _balance(context, LIN) == "100.00")
    again = await _import(context)
    await firm.settle()
    firm.check("a second run repeats nothing", "3 taken before" in again.output and firm.kinds() == [])


async def in_the_shadow(context: StoryContext) -> None:
    """For a week Tenure decides what the old system does, and tells nobody."""
    firm = context.narrator
    await firm.at("2026-05-06 08:00", "Lin's renewal is due: 19.00, in the old system too")
    renewed = firm.only("renewed")
    paid = (renewed["charged"], renewed["balance_after"], renewed["expires_on"])
    firm.check("19.00 were deducted; it runs until 2026-06-15", paid == ("19.00", "81.00", "2026-06-15"))
    await firm.at("2026-05-10 10:00", "Nordwind is to be reminded, seven days before the end")
    firm.check("the reminder was decided", firm.kinds() == ["renewal_due"])
    listed = await context.command("why", "--csv")
    rows = list(csv.DictReader(listed.output.splitlines()))
    told = {(row["account_id"], row["kind"]) for row in rows if row["reason"] == "shadow"}
    firm.check("what it would have told is what the old system told", told == _OLD_SYSTEM_TOLD)
    firm.check("but nobody was told", not firm.told())


async def the_switch_over(context: StoryContext) -> None:
    """The old system falls silent, and the notifier speaks: about what happens from now on."""
    firm = context.narrator
    await firm.at("2026-05-10 18:00", "Switch-over: the notifier starts again with TENURE_DELIVERY=on")
    await context.stack.change_settings("notifier", {"TENURE_DELIVERY": "on"})
    await firm.settle()
    firm.check("what was held back is never sent", not firm.told())


async def a_wrong_credit(context: StoryContext) -> None:
    """A payment of 50.00 is entered as 500.00, and put right."""
    firm = context.narrator
    await firm.at("2026-05-11 09:00", "Lin has paid 50.00, but somebody types 500.00")
    credit: dict[str, Any] = {"entry_id": "payment-88", "amount": "500.00", "currency": "USD"}
    await firm.does("tenure.account.credited.v1", account_id=LIN, **credit)
    done = await context.command("debit", LIN, "450.00", "--reason", "payment 88 was 50.00", *_BY)
    firm.check("450.00 are taken off again: 131.00 stay", done.code == 0 and await _balance(context, LIN) == "131.00")
    again = await context.command("debit", LIN, "450.00", "--reason", "payment 88 was 50.00", *_BY)
    firm.check("the same debit twice counts once", again.code == 0 and await _balance(context, LIN) == "131.00")
    await firm.settle()
    firm.check("that is between the firm and its books: no mail", not firm.told())


async def an_outage(context: StoryContext) -> None:
    """Everybody gets three days for an outage, once, and is told."""
    firm = context.narrator
    await firm.at("2026-05-11 15:00", "After an outage everybody gets three days")
    words = ("extend", "--cohort", "outage-11-may", "--days", "3", "--reason", "outage of 11 May", *_BY)
    done = await context.command(*words)
    await firm.settle()
    firm.check("all were extended, and told by mail", done.code == 0 and firm.mailed() == ["extended"] * 3)
    again = await context.command(*words)
    await firm.settle()
    firm.check(
        "the same command again extends nobody twice",
        "3 of them by an earlier run" in again.output and firm.kinds() == [],
    )
    days = [(await firm.driver.account(each))["expires_on"] for each in ADDRESSES]
    firm.check("each runs three days longer", days == ["2026-05-20", "2026-06-18", "2026-07-03"])
    await firm.at("2026-05-13 10:00", "Seven days before Nordwind's new end")
    firm.check("a reminder, by mail now", firm.kinds() == ["renewal_due"] and firm.mailed() == ["renewal_due"])


async def an_erasure(context: StoryContext) -> None:
    """A person asks to be forgotten: name and address go, the subscription runs on."""
    firm = context.narrator
    await firm.at("2026-05-13 15:00", "The person at Nordwind asks to be forgotten")
    done = await context.command("erase", NORDWIND, "--reason", "asked for it on 13 May", *_BY)
    await firm.settle()
    firm.check("the person is forgotten, and not written to", done.code == 0 and firm.kinds() == ["erased"])
    history = json.dumps(await firm.driver.account(NORDWIND, "/history"))
    there = [text for text in ("Nordwind GmbH", ADDRESSES[NORDWIND]) if text in history]
    firm.check("neither name nor address is in the history", there == [])
    firm.check("the inbox is empty", await firm.driver.inbox(NORDWIND) == [])
    firm.check("the subscription runs on", (await firm.driver.account(NORDWIND))["state"] == "active")


async def new_prices(context: StoryContext) -> None:
    """A second price list, a notice before each charge, and reminders of their own for yearly terms."""
    firm = context.narrator
    await firm.at("2026-05-28 09:00", "Nordwind's term and its days of grace are over")
    firm.check("it has expired and was released", firm.kinds() == ["expired", "release_due", "released"])
    firm.check("nobody was left to write to", firm.mailed() == [])
    say("\n  From June on a server costs 10.00: the subscription service starts again with the firm's own files")
    await context.stack.change_settings("subscription", _rules_of_its_own(context.folder))
    coming = [each["kind"] for each in (await firm.driver.account(LIN, "/timeline"))["entries"][:2]]
    firm.check("next for Lin: a notice, then the charge", coming == ["renewal_upcoming", "deduction"])


async def a_notice(context: StoryContext) -> None:
    """Before the new price is deducted the customer is told of it; the forecast has the same amount."""
    firm = context.narrator
    await firm.at("2026-06-02 10:00", "Seven days before Lin is charged the new price")
    notice = firm.only("renewal_upcoming")
    fees = (notice["quote"]["fee"], notice["previous_fee"], notice["shortfall"])
    firm.check("20.00 for two servers, after 19.00; the balance suffices", fees == ("20.00", "19.00", "0.00"))
    firm.check("Lin knows by mail and message", firm.mailed() == firm.messaged() == ["renewal_upcoming"])
    firm.check("the mail has both prices", all(fee in firm.mails[0].text for fee in ("20.00", "19.00")))
    foretold = await context.command("forecast", "--days", "8", "--csv")
    _, tomorrow, *_, last = csv.DictReader(foretold.output.splitlines())
    firm.check("so does the forecast", (last["day"], last["deducted_amount"]) == ("2026-06-09", "20.00"))
    firm.check("and it has tomorrow's reminder", (tomorrow["day"], tomorrow["reminders"]) == ("2026-06-03", "1"))


async def a_year_ends(context: StoryContext) -> None:
    """A yearly term is reminded a month before its end, by its row of the policy's table."""
    firm = context.narrator
    await firm.at("2026-06-03 10:00", "Okoro's year ends in thirty days")
    firm.check("a reminder already now", firm.only("renewal_due")["days_left"] == 30)
    firm.check("by mail and message", firm.mailed() == firm.messaged() == ["renewal_due"])


async def the_charge(context: StoryContext) -> None:
    """What was announced is what is deducted."""
    firm = context.narrator
    await firm.at("2026-06-09 08:00", "The day that Lin was told")
    renewed = firm.only("renewed")
    paid = (renewed["charged"], renewed["balance_after"])
    firm.check("20.00 were deducted, as announced; 111.00 stay", paid == ("20.00", "111.00"))


async def back_out(context: StoryContext) -> None:
    """The way back stays open: silent again, and everything that the old system needs can be read."""
    firm = context.narrator
    await firm.at("2026-06-09 18:00", "And back out again: the notifier starts again with TENURE_DELIVERY=shadow")
    await context.stack.change_settings("notifier", {"TENURE_DELIVERY": "shadow"})
    await firm.at("2026-06-26 10:00", "Seven days before the end of Okoro's year")
    firm.check("the reminder was decided", firm.kinds() == ["renewal_due"])
    firm.check("and nobody was told", not firm.told())
    listed = await context.command("accounts", "--csv")
    [lin] = [row for row in csv.DictReader(listed.output.splitlines()) if row["account_id"] == LIN]
    firm.check("the list has what the old system goes on with", (lin["expires_on"], lin["balance"]) == _LIN_AT_THE_END)


STORY: Final = Story(
    begins="2026-05-03T08:59:00+08:00",
    addresses=ADDRESSES,
    chapters=(
        *(the_export, the_import, in_the_shadow, the_switch_over),
        *(a_wrong_credit, an_outage, an_erasure),
        *(new_prices, a_notice, a_year_ends, the_charge),
        back_out,
    ),
    settings={"TENURE_DELIVERY": "shadow"},
)


async def _import(context: StoryContext, *options: str) -> CommandResult:
    """With the names of the export's columns, which are said once."""
    mapped = [word for name in FIELD_OF_COLUMN for word in ("--map", name)]
    return await context.command("import", *options, "kunden.csv", "server.csv", more=mapped)


def _rules_of_its_own(folder: Path) -> Mapping[str, str]:
    """Policy and catalog of the firm, written there, as settings of the subscription service."""
    policy, catalog = folder / "policy.toml", folder / "catalog.toml"
    policy.write_text(POLICY, "utf-8")
    catalog.write_text(catalog_with_june(), "utf-8")
    return {"TENURE_POLICY_FILE": str(policy), "TENURE_CATALOG_FILE": str(catalog)}


async def _balance(context: StoryContext, account: str) -> str:
    return str((await context.narrator.driver.account(account))["balance"])
