"""What the top of the inbox says of the subscription: what it is, until when, and what happens next. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from notifier_service.content.localizer import Localizer
from notifier_service.decisions.subscription import Renewal, State, Subscription


@dataclass(frozen=True, slots=True)
class SubscriptionView:
    """`next` has a sentence for each thing that will happen, or has to; `attention`: one of them is a trouble."""

    state: State
    attention: bool
    product: str
    until: str
    next: tuple[str, ...]


def subscription_view(known: Subscription, localizer: Localizer, now: datetime) -> SubscriptionView | None:
    """None where no event has said yet what the subscription is."""
    if known.specification is None or (known.expires_on is None and known.gone_at is None):
        return None
    return SubscriptionView(
        state=known.state,
        attention=known.shortfall is not None or known.quota_exceeded,
        product=localizer.specification(known.specification),
        until=_until(known, localizer),
        next=tuple(_next(known, localizer, now)),
    )


def _until(known: Subscription, localizer: Localizer) -> str:
    if known.state is State.RELEASED and known.gone_at:
        return localizer.text("inbox.until.released", day=localizer.day(localizer.local_day(known.gone_at)))
    day = localizer.day(known.expires_on) if known.expires_on else ""
    return localizer.text("inbox.until.active" if known.state is State.ACTIVE else "inbox.until.grace", day=day)


def _next(known: Subscription, localizer: Localizer, now: datetime) -> Iterator[str]:
    match known.state:
        case State.ACTIVE:
            yield from _renewal(known, localizer, now)
        case State.GRACE if known.gone_at:
            yield localizer.text("inbox.next.grace", moment=localizer.moment(known.gone_at))
        case State.RELEASED:
            yield localizer.text("inbox.next.released")
    if known.quota_exceeded and known.state is State.ACTIVE:
        yield localizer.text("inbox.next.quota")


def _renewal(known: Subscription, localizer: Localizer, now: datetime) -> Iterator[str]:
    """Who renews an active subscription, and when."""
    attempt = known.attempt_at if known.attempt_at and known.attempt_at > now else None
    match known.renewal:
        case Renewal.MANUAL:
            yield localizer.text("inbox.next.manual")
        case Renewal.DECLINED:
            yield localizer.text("inbox.next.declined")
        case Renewal.AUTOMATIC:
            if known.shortfall is not None:
                yield localizer.text("inbox.next.failed", amount=localizer.money(known.shortfall, known.currency))
            yield from _attempt(attempt, localizer, failed=known.shortfall is not None)


def _attempt(attempt: datetime | None, localizer: Localizer, *, failed: bool) -> Iterator[str]:
    if attempt is not None:
        yield localizer.text("inbox.next.attempt", moment=localizer.moment(attempt))
    elif failed:
        yield localizer.text("inbox.next.last_failed")
    else:
        yield localizer.text("inbox.next.automatic")
