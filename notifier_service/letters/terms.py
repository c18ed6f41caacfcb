"""Letters about terms: a subscription begins, goes on, comes back, changes its specification."""

from decimal import Decimal

from notifier_service.letters.letter import Figure, Letter, Tone, facts, paragraphs
from notifier_service.reader import Reader
from shared.contracts.lifecycle import Activated, AutoRenewalPlan, RenewalMethod, Renewed, SpecificationChanged
from shared.contracts.types import Edition, ProtectionMode


def activated(data: Activated, reader: Reader) -> Letter:
    day = reader.day(data.expires_on)
    starts, ends = reader.moment(data.term.starts_at), reader.moment(data.ends_at)
    return Letter(
        tone=Tone.GOOD,
        badge=reader.say("activated.badge"),
        subject=reader.say("activated.subject", edition=reader.edition(data.specification.edition), day=day),
        title=reader.say("activated.title"),
        lead=paragraphs(reader.say("activated.lead", starts=starts, ends=ends), _nothing_bound_yet(data, reader)),
        figure=Figure(day, reader.say("activated.figure")),
        facts=facts(
            reader,
            ("order", data.order_id),
            ("specification", reader.specification(data.specification)),
            ("duration", reader.months(data.term.months)),
            ("expires_on", day),
            ("starts", starts),
            ("ends", ends),
            ("auto_renewal", _plan(data.auto_renewal, reader)),
        ),
        advice=(_before_the_end(data.auto_renewal, reader),),
    )


def renewed(data: Renewed, reader: Reader) -> Letter:
    """Manual, automatic and reactivated differ in words; the money stands there when it was deducted."""
    how = "reactivated" if data.reactivated else str(data.method)
    day = reader.day(data.expires_on)
    words = {
        "day": day,
        "ends": reader.moment(data.ends_at),
        "months": reader.months(data.term.months),
        "charged": _money(data.charged, reader) or "",
    }
    automatic = data.method is RenewalMethod.AUTOMATIC
    return Letter(
        tone=Tone.GOOD,
        badge=reader.say("renewed.badge"),
        subject=reader.say(f"renewed.{how}.subject", **words),
        title=reader.say(f"renewed.{how}.title"),
        lead=paragraphs(
            reader.say(f"renewed.{how}.lead", **words),
            reader.say("renewed.automatic.nothing_to_do") if automatic else None,
        ),
        figure=Figure(day, reader.say("renewed.figure")),
        facts=facts(
            reader,
            ("order", data.order_id),
            ("specification", reader.specification(data.term.specification)),
            ("duration", reader.months(data.term.months)),
            ("starts", reader.moment(data.term.starts_at)),
            ("ends", reader.moment(data.ends_at)),
            ("expires_on", day),
            ("fee", _money(data.fee, reader)),
            ("discount", _money(data.discount or None, reader)),
            ("coupon", data.coupon_id),
            ("charged", _money(data.charged, reader)),
            ("balance", _money(data.balance_after, reader)),
        ),
    )


def specification_changed(data: SpecificationChanged, reader: Reader) -> Letter:
    moment = reader.moment(data.effective_at)
    return Letter(
        tone=Tone.CALM,
        badge=reader.say("specification_changed.badge"),
        subject=reader.say("specification_changed.subject"),
        title=reader.say("specification_changed.subject"),
        lead=paragraphs(
            reader.say("specification_changed.lead", moment=moment),
            _price_difference(data.price_difference, reader),
        ),
        facts=facts(
            reader,
            ("specification", reader.specification(data.specification)),
            ("previous", reader.specification(data.previous)),
            ("price_difference", _money(data.price_difference, reader)),
            ("order", data.order_id),
        ),
    )


def _nothing_bound_yet(data: Activated, reader: Reader) -> str | None:
    """R9: partial protection begins with nothing bound; the edition of add-ons alone has nothing to bind (R7)."""
    specification = data.specification
    partial = specification.protection_mode is ProtectionMode.PARTIAL and specification.edition != Edition.VALUE_ADDED
    return reader.say("activated.partial") if partial else None


def _plan(plan: AutoRenewalPlan | None, reader: Reader) -> str:
    if plan is None:
        return reader.say("auto_renewal.off")
    return reader.say("auto_renewal.on", cycle=reader.months(plan.cycle_months))


def _before_the_end(plan: AutoRenewalPlan | None, reader: Reader) -> str:
    if plan is None:
        return reader.say("activated.advice.off")
    if plan.first_attempt_at is None:
        return reader.say("activated.advice.on_late")
    return reader.say(
        "activated.advice.on",
        cycle=reader.months(plan.cycle_months),
        moment=reader.moment(plan.first_attempt_at),
    )


def _money(amount: Decimal | None, reader: Reader) -> str | None:
    return None if amount is None else reader.money(amount)


def _price_difference(amount: Decimal | None, reader: Reader) -> str | None:
    if amount is None:
        return None
    way = "same" if amount == 0 else "more" if amount > 0 else "less"
    return reader.say(f"specification_changed.price.{way}", amount=reader.money(abs(amount)))
