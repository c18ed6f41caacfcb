"""Letters about terms: a subscription begins, goes on, comes back, changes its specification."""

from decimal import Decimal

from notifier_service.content.letters.letter import Figure, MailContent, Tone, facts, paragraphs
from notifier_service.content.localizer import Localizer
from shared.contracts.lifecycle import Activated, AutoRenewalPlan, RenewalMethod, Renewed, SpecificationChanged
from shared.contracts.types import Edition, ProtectionMode


def activated(data: Activated, localizer: Localizer) -> MailContent:
    day = localizer.day(data.expires_on)
    starts, ends = localizer.moment(data.term.starts_at), localizer.moment(data.ends_at)
    return MailContent(
        tone=Tone.GOOD,
        badge=localizer.say("activated.badge"),
        subject=localizer.say("activated.subject", edition=localizer.edition(data.specification.edition), day=day),
        title=localizer.say("activated.title"),
        lead=paragraphs(localizer.say("activated.lead", starts=starts, ends=ends), _nothing_bound_yet(data, localizer)),
        figure=Figure(day, localizer.say("activated.figure")),
        facts=facts(
            localizer,
            ("order", data.order_id),
            ("specification", localizer.specification(data.specification)),
            ("duration", localizer.months(data.term.months)),
            ("expires_on", day),
            ("starts", starts),
            ("ends", ends),
            ("auto_renewal", _plan(data.auto_renewal, localizer)),
        ),
        advice=(_before_the_end(data.auto_renewal, localizer),),
    )


def renewed(data: Renewed, localizer: Localizer) -> MailContent:
    """Manual, automatic and reactivated differ in words; the money stands there when it was deducted."""
    how = "reactivated" if data.reactivated else str(data.method)
    day = localizer.day(data.expires_on)
    words = {
        "day": day,
        "ends": localizer.moment(data.ends_at),
        "months": localizer.months(data.term.months),
        "charged": _money(data.charged, localizer) or "",
    }
    automatic = data.method is RenewalMethod.AUTOMATIC
    return MailContent(
        tone=Tone.GOOD,
        badge=localizer.say("renewed.badge"),
        subject=localizer.say(f"renewed.{how}.subject", **words),
        title=localizer.say(f"renewed.{how}.title"),
        lead=paragraphs(
            localizer.say(f"renewed.{how}.lead", **words),
            localizer.say("renewed.automatic.nothing_to_do") if automatic else None,
        ),
        figure=Figure(day, localizer.say("renewed.figure")),
        facts=facts(
            localizer,
            ("order", data.order_id),
            ("specification", localizer.specification(data.term.specification)),
            ("duration", localizer.months(data.term.months)),
            ("starts", localizer.moment(data.term.starts_at)),
            ("ends", localizer.moment(data.ends_at)),
            ("expires_on", day),
            ("fee", _money(data.fee, localizer)),
            ("discount", _money(data.discount or None, localizer)),
            ("coupon", data.coupon_id),
            ("charged", _money(data.charged, localizer)),
            ("balance", _money(data.balance_after, localizer)),
        ),
    )


def specification_changed(data: SpecificationChanged, localizer: Localizer) -> MailContent:
    moment = localizer.moment(data.effective_at)
    return MailContent(
        tone=Tone.CALM,
        badge=localizer.say("specification_changed.badge"),
        subject=localizer.say("specification_changed.subject"),
        title=localizer.say("specification_changed.subject"),
        lead=paragraphs(
            localizer.say("specification_changed.lead", moment=moment),
            _price_difference(data.price_difference, localizer),
        ),
        facts=facts(
            localizer,
            ("specification", localizer.specification(data.specification)),
            ("previous", localizer.specification(data.previous)),
            ("price_difference", _money(data.price_difference, localizer)),
            ("order", data.order_id),
        ),
    )


def _nothing_bound_yet(data: Activated, localizer: Localizer) -> str | None:
    """R9: partial protection begins with nothing bound; the edition of add-ons alone has nothing to bind (R7)."""
    specification = data.specification
    partial = specification.protection_mode is ProtectionMode.PARTIAL and specification.edition != Edition.VALUE_ADDED
    return localizer.say("activated.partial") if partial else None


def _plan(plan: AutoRenewalPlan | None, localizer: Localizer) -> str:
    if plan is None:
        return localizer.say("auto_renewal.off")
    return localizer.say("auto_renewal.on", cycle=localizer.months(plan.cycle_months))


def _before_the_end(plan: AutoRenewalPlan | None, localizer: Localizer) -> str:
    if plan is None:
        return localizer.say("activated.advice.off")
    if plan.first_attempt_at is None:
        return localizer.say("activated.advice.on_late")
    return localizer.say(
        "activated.advice.on",
        cycle=localizer.months(plan.cycle_months),
        moment=localizer.moment(plan.first_attempt_at),
    )


def _money(amount: Decimal | None, localizer: Localizer) -> str | None:
    return None if amount is None else localizer.money(amount)


def _price_difference(amount: Decimal | None, localizer: Localizer) -> str | None:
    if amount is None:
        return None
    way = "same" if amount == 0 else "more" if amount > 0 else "less"
    return localizer.say(f"specification_changed.price.{way}", amount=localizer.money(abs(amount)))
