"""What the page shows of the model: each number with what it means and the list behind it. Pure.

`View` is made anew whenever the page is; it costs nothing that grows with the number of accounts.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from urllib.parse import urlencode

from shared.contracts.state import SubscriptionState
from subscription_service.domain.calendar import billing_day
from subscription_service.domain.policy import Rules
from tenure.ops.accounts import RenewalSum
from tenure.ops.calendar import DAYS, CalendarDay, accounts, calendar_days, money, sum_of, window
from tenure.ops.history import KEPT_HOURS, HourlyCounts
from tenure.ops.latencies import Latencies
from tenure.ops.model import Model
from tenure.ops.rates import times
from tenure.ops.renewals import Outlook
from tenure.ops.status import PartitionLag, Status
from tenure.ops.words import MEANING_OF_STATE, OUTLOOKS, TO_DECISION, TO_MAIL

_DAY_HOURS: Final = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A number of the page. `share`: of the largest beside it, or of all, in percent; `tone`: good, warn or bad."""

    label: str
    text: str
    href: str
    why: str
    share: float = 0.0
    tone: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicFlow:
    """A topic: records per second, what each service has still to apply, and the curve of the last hour."""

    topic: str
    rate: float
    lags: Mapping[str, int | None]
    curve: str


@dataclass(frozen=True, slots=True)
class View:
    """What is known, and when it is looked at: `now` is real time, UTC.

    `test_clock`: where the services' time stands, where it is not real time.
    """

    model: Model
    status: Status
    rules: Rules
    now: datetime
    topics: Sequence[str]
    test_clock: datetime | None = None

    @property
    def now_ms(self) -> int:
        """Since 1970."""
        return int(self.now.timestamp() * 1000)

    @property
    def today(self) -> date:
        """The billing day of the services' time."""
        return billing_day(self.test_clock or self.now, self.rules.policy.billing_zone)

    def states(self) -> Sequence[Number]:
        """Subscriptions by state."""
        counts = self.model.accounts.totals.by_state
        every = max(1, sum(counts.values()))
        return [
            Number(
                label=state.value,
                text=f"{counts[state]:,}",
                href=accounts(state=state.value),
                why=MEANING_OF_STATE[state],
                share=100 * counts[state] / every,
            )
            for state in (*_STATES_SHOWN, SubscriptionState.NONE)
        ]

    def troubles(self) -> Sequence[Number]:
        """What somebody should look at."""
        totals, short = self.model.accounts.totals, self._sum(Outlook.SHORT)
        return [
            Number(
                label="automatic renewals failing",
                text=f"{totals.failing:,}",
                href=accounts(failing="true"),
                why="Accounts whose last attempt to deduct the fee for this E failed (R25), by their state documents.",
                tone="bad" if totals.failing else "good",
            ),
            Number(
                label="short of quota",
                text=f"{totals.over_quota:,}",
                href=accounts(over_quota="true"),
                why="Active accounts with more servers or cores in use than their quota: registered ones in full mode,"
                " bound ones in partial mode (R33).",
                tone="warn" if totals.over_quota else "good",
            ),
            Number(
                label=f"balance too low for E in {DAYS} days",
                text=f"{short.accounts:,}",
                href=accounts(outlook=Outlook.SHORT.value, **window(self.today)),
                why=f"Accounts with auto-renewal on whose E is in the next {DAYS} days and whose balance is below the"
                " list price today. An estimate: coupons are not known here. Fees are deducted days before E:"
                " tenure forecast goes by the day of the attempt.",
                tone="warn" if short.accounts else "good",
                note=f"{money(short.lacking)} missing",
            ),
        ]

    def calendar(self) -> Sequence[CalendarDay]:
        """The next 30 days of E, today first."""
        return calendar_days(self.model.accounts.totals.renewals, self.today)

    def at_stake(self) -> Sequence[Number]:
        """The sums below the calendar."""
        return [
            Number(
                label=OUTLOOKS[outlook].label,
                text=money(self._sum(outlook).fees),
                href=accounts(outlook=outlook.value, **window(self.today)),
                why=OUTLOOKS[outlook].why,
                tone=outlook.value,
                note=f"{self._sum(outlook).accounts:,} accounts",
            )
            for outlook in Outlook
        ]

    def latencies(self) -> Sequence[tuple[str, str, str, str, str]]:
        """What took how long: label, p50, p99, samples, meaning."""
        return [
            _latency("event to decision", self.model.to_decision, self.now_ms, TO_DECISION),
            _latency("event to mail", self.model.to_mail, self.now_ms, TO_MAIL),
        ]

    def flows(self) -> Sequence[TopicFlow]:
        """Each topic of the page."""
        return [self._flow(topic) for topic in self.topics]

    def series(self) -> Mapping[str, object]:
        """Records per second in the last hour, for the chart."""
        rates = self.model.rates
        curves = {topic: rates.series(topic, self.now_ms) for topic in self.topics}
        return {"times": times(self.now_ms), "topics": curves}

    def rejections(self) -> Sequence[Number]:
        """Orders refused, by code, the most frequent first."""
        return self._counted(self.model.rejections, "/ops/refusals", "code", "Orders refused with this code (R41)")

    def mails(self) -> Sequence[Number]:
        """Emails by outcome and cause."""
        return self._counted(self.model.mails, "/ops/mails", "outcome", "Emails that ended like this")

    def dead_letters(self) -> Sequence[Number]:
        """Dead letters by reason."""
        return self._counted(self.model.dead_letters, "/ops/dead-letters", "reason", "Records that became dead letters")

    def unreadable(self) -> int:
        """Records of our own topics that are not what the contract says."""
        return sum(self.model.unreadable.values())

    def _counted(self, counts: HourlyCounts, path: str, name: str, meaning: str) -> Sequence[Number]:
        month, day = counts.since(KEPT_HOURS, self.now_ms), counts.since(_DAY_HOURS, self.now_ms)
        most = max(month.values(), default=1)
        return [
            Number(
                label=word,
                text=f"{count:,}",
                href=f"{path}?{urlencode({name: word})}",
                why=f"{meaning}, in the last 30 days by the hour in which they came on the topic; 24 h: {day[word]:,}.",
                share=100 * count / most,
                note=f"{day[word]:,}",
            )
            for word, count in month.most_common()
        ]

    def _flow(self, topic: str) -> TopicFlow:
        rates = self.model.rates
        partitions = rates.counts.get(topic, {})
        series = rates.series(topic, self.now_ms)
        return TopicFlow(
            topic=topic,
            rate=sum(rates.recent(topic, partition, self.now_ms) for partition in partitions),
            lags=_lags(topic, self.status.lags),
            curve=_curve(series),
        )

    def _sum(self, outlook: Outlook) -> RenewalSum:
        return sum_of(self.model.accounts.totals.renewals, outlook, self.today)


_STATES_SHOWN: Final = (SubscriptionState.ACTIVE, SubscriptionState.GRACE, SubscriptionState.RELEASED)


def _latency(label: str, found: Latencies, now_ms: int, meaning: str) -> tuple[str, str, str, str, str]:
    told = found.quantiles(now_ms)
    if told is None:
        return label, "–", "–", "0", meaning
    return label, seconds(told.p50), seconds(told.p99), f"{told.samples:,}", meaning


def seconds(took: float) -> str:
    """Milliseconds below one second."""
    return f"{took * 1000:.0f} ms" if took < 1 else f"{took:,.1f} s"


def _lags(topic: str, lags: Sequence[PartitionLag] | None) -> Mapping[str, int | None]:
    if lags is None:
        return {}
    found: dict[str, int | None] = {}
    for each in lags:
        if each.topic == topic:
            found[each.service] = (found.get(each.service) or 0) + each.lag
    return found


def _curve(series: Iterable[float]) -> str:
    """Points of a polyline in a box of 360 by 100."""
    values = list(series)
    highest = max(values, default=0) or 1
    return " ".join(f"{x},{100 - 96 * value / highest:.1f}" for x, value in enumerate(values))
