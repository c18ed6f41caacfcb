"""One death, and how long it took until everything went on."""

import time
from dataclasses import dataclass

from benchmarks.recovery.deaths import Death
from benchmarks.recovery.recovery_stack import RecoveryStack


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """Seconds from a death until the last partition was decided again, and published; until the first and last mail.

    The last mail may be one that had been leased by what died.
    """

    decided: float
    published: float
    first_mail: float
    last_mail: float


async def measure(stack: RecoveryStack, death: Death) -> Recovery:
    """Let it die once. Raises `TimeoutError` where something does not go on within two minutes."""
    await stack.begin_round()
    victim = await death.choose(stack)
    if death.mails_in_hand:
        await stack.take_mails_in_hand(death.mails_in_hand)
    died_at = time.time()
    heal = await death.strike(victim)
    try:
        await stack.publish(stack.probes.messages(), one_each=True)
        await stack.until_complete()
    finally:
        heal()
    probes = stack.probes
    return Recovery(
        decided=max(probes.decided.values()) - died_at,
        published=max(probes.published.values()) - died_at,
        first_mail=min(probes.mailed.values()) - died_at,
        last_mail=max(probes.mailed.values()) - died_at,
    )
