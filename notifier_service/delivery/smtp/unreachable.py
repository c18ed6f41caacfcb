"""The error for a relay that cannot be reached."""

from notifier_service.delivery.redaction import without_addresses
from notifier_service.delivery.smtp.connection import Step


class RelayUnreachable(Exception):
    """No mail can be handed over now; all are to be tried again. The message says why, without any address."""

    @classmethod
    def at(cls, step: Step) -> "RelayUnreachable":
        """What came of a step, with its stage."""
        text = f"the relay refuses {step.stage.value}: {step.reason}" if step.reply else step.reason
        return cls(without_addresses(text))
