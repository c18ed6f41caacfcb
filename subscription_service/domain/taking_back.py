"""Taking the last pending renewal order back (R46). `decide` calls this."""

from datetime import datetime
from decimal import Decimal

from shared.contracts.acts import RenewalCancelled
from shared.contracts.lifecycle_acts import RenewalTakenBack
from subscription_service.domain import checks
from subscription_service.domain.context import EventsOrRejection
from subscription_service.domain.model import Account, Active, Grace, PlacedOrder
from subscription_service.domain.policy import Rules
from subscription_service.domain.pricing import total
from subscription_service.domain.refusals import Rejection
from subscription_service.domain.terms import is_automatic

_NOT_PLACED = PlacedOrder()


def take_back(account: Account, command: RenewalCancelled, at: datetime, rules: Rules) -> EventsOrRejection:
    """The term goes, and what was deducted here for it returns; an order that was taken back already says nothing."""
    order = account.placed_orders.get(command.order_id, _NOT_PLACED)
    if order.taken_back:
        return ()
    live = checks.live(account.subscription)
    if isinstance(live, Rejection):
        return live
    refusal = checks.order_not_pending(live, command.order_id, at)
    return refusal or (_taken_back(account, live, command, order.charged, rules),)


def _taken_back(
    account: Account, live: Active | Grace, command: RenewalCancelled, refunded: Decimal, rules: Rules
) -> RenewalTakenBack:
    before = live.terms[-2]
    automatic = is_automatic(command.order_id, live.subscription_id)
    return RenewalTakenBack(
        order_id=command.order_id,
        expires_on=before.expires_on,
        ends_at=before.ends_at,
        refunded=refunded,
        balance_after=total(account.balance, refunded),
        currency=rules.catalog.currency,
        auto_renewal_off=automatic and live.auto_renewal is not None,
        anchor_day=_anchor_day_before(live, command.order_id),
        operator=command.operator,
        reason=command.reason,
    )


def _anchor_day_before(live: Active | Grace, order_id: str) -> int:
    """The anchor day as it was before the order: its extensions go with it (R47)."""
    return live.anchor_days_before.get(order_id, live.anchor_day) if isinstance(live, Active) else live.anchor_day
