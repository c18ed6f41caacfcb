"""JSON documents of the operators' HTTP, as the contract names their fields. Fields may be added, none renamed."""

from collections.abc import Sequence
from typing import Annotated, Final, Literal

from pydantic import AwareDatetime, BaseModel, Field

from notifier_service.decisions.bounce import BounceKind
from notifier_service.storage.notifications import NotificationFilter
from shared.contracts.fields import (
    AccountId,
    LifecycleEventId,
    LifecycleType,
    NotificationId,
    RecipientId,
    described,
)
from shared.contracts.outcomes import Channel
from shared.contracts.scalars import Id, Instant
from shared.web.list_query import ListQuery

LONGEST_PAGE: Final = 500
DecisionStatus = Literal["queued", "delivered", "failed", "suppressed", "bounced", "complained"]
"""The status of a notification as the contract names it; one that is being sent is `queued`."""


class DecisionsQuery(ListQuery):
    """Which decisions; what is left out, or empty, does not matter."""

    account_id: Annotated[Id | None, Field(description="Only those of this account.")] = None
    status: Annotated[DecisionStatus | None, Field(description="Only those with this status.")] = None
    kind: Annotated[Annotated[str, Field(max_length=64)] | None, described("Only this kind.", "renewal_due")] = None
    since: Annotated[Instant | None, described("Only those decided then or later.", "2026-02-21T02:00:00Z")] = None
    before: Annotated[int | None, Field(ge=0, le=2**62, description="`before` of the page before.")] = None
    limit: Annotated[int, Field(ge=1, le=LONGEST_PAGE), described("Decisions on a page, at most.", 100)] = 100

    @property
    def wanted(self) -> NotificationFilter:
        """As the storage takes it."""
        return NotificationFilter(**self.model_dump())


class DecisionDocument(BaseModel):
    """One notification decision, for operators."""

    notification_id: NotificationId
    number: Annotated[int, described("Rises with every notification of an account.", 4711)]
    account_id: AccountId
    lifecycle_event_id: LifecycleEventId
    lifecycle_type: LifecycleType
    kind: Annotated[str, described("Short name of the lifecycle type.", "renewal_due")]
    channel: Channel
    status: Annotated[
        DecisionStatus,
        described(
            "`queued`: waits for its first attempt or a retry; `bounced`, `complained`: it had been delivered before.",
            "delivered",
        ),
    ]
    under_way: Annotated[bool, described("Whether a process is sending it just now; its status is `queued`.", False)]
    reason: Annotated[
        str | None,
        described(
            "The mail relay's last reply, or why it was suppressed; null where there is neither.", "250 2.0.0 Ok"
        ),
    ]
    attempts: Annotated[int, described("Attempts that the mail relay has answered; 1 for an internal message.", 1)]
    created_at: Annotated[
        AwareDatetime, described("When it was decided, on the service clock.", "2026-02-21T02:00:00Z")
    ]
    next_attempt_at: Annotated[
        AwareDatetime | None,
        described(
            "When the next attempt is due, on the service clock; null once it has ended.", "2026-02-21T02:01:00Z"
        ),
    ]
    event_time: Annotated[
        AwareDatetime | None,
        described("`time` of the lifecycle event; null where an older version decided.", "2026-02-21T02:00:00Z"),
    ]
    code: Annotated[str | None, described("Code of a refusal; null of anything else.", "not_subscribed")]
    recipient: Annotated[
        str | None,
        described(
            "Whose email it is: the first character of the address, and its domain; null of an internal message, and"
            " without a contact.",
            "l…@example.com",
        ),
    ]
    recipient_id: Annotated[
        RecipientId | None,
        described("The further recipient whose email it is (R52); null for the contact, and for an internal message."),
    ]
    resend_of: Annotated[
        NotificationId | None, described("The email that this one repeats; null where it is no resend.")
    ]
    operator: Annotated[str | None, described("Who asked for the resend.", "o.perez")]
    bounce: Annotated[
        BounceKind | None,
        described("What was reported of an email that had been sent; null where nothing was.", "hard"),
    ]
    bounce_detail: Annotated[
        str | None, described("What the mail server said then, or the type of the complaint.", "550 5.1.1 no such user")
    ]


class DecisionsDocument(BaseModel):
    """A page of decisions."""

    notifications: Annotated[Sequence[DecisionDocument], Field(description="The newest first.")]
    before: Annotated[
        int | None, described("The `before` of the next page: only lower `number`s; null on the last page.", 4612)
    ]
