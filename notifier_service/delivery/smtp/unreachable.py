"""The error for a relay that cannot be reached."""

from notifier_service.delivery.redaction import without_addresses
from notifier_service.delivery.smtp.connection import Step
from notifier_service.log_lines import without_words


class RelayUnreachable(Exception):
    """No mail can be handed over now; all are to be tried again. The message says why, without any address.

    `in_log`: the same without the relay's words, which may be anything.
    """

    def __init__(self, reason: str, in_log: str | None = None) -> None:
        super().__init__(reason)
        self.in_log = reason if in_log is None else in_log

    @classmethod
    def at(cls, step: Step) -> "RelayUnreachable":
        """What came of a step, with its stage."""
        if not step.reply:
            return cls(without_addresses(step.reason))
        refuses = f"the relay refuses {step.stage.value}: "
        return cls(without_addresses(refuses + step.reason), refuses + without_words(step.reason))
