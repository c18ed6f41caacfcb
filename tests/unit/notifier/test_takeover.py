"""When the emails of another process are taken over: only when its lock was free for long enough."""

from notifier_service.delivery.process_session import CERTAIN_SECONDS
from notifier_service.delivery.takeover import AFTER_OUTAGE_SECONDS, FREE_SECONDS, Takeover

OTHER, THIRD = 1, 2
STEP = 0.5


def taken_over(takeover: Takeover, free: dict[float, set[int]], *, session: int = 1) -> dict[float, list[int]]:
    """Look at these instants; instant -> owners that have ended."""
    found = {now: takeover.ended(owners, session=session, now=now) for now, owners in free.items()}
    return {now: sorted(owners) for now, owners in found.items() if owners}


def test_a_lock_that_stays_free_is_that_of_an_ended_process() -> None:
    assert taken_over(Takeover(), {0: {OTHER}, 0.5: {OTHER}, 1: {OTHER}, FREE_SECONDS: {OTHER}}) == {
        FREE_SECONDS: [OTHER]
    }


def test_a_lock_that_was_taken_meanwhile_begins_anew() -> None:
    assert taken_over(Takeover(), {0: {OTHER}, 0.5: {OTHER}, 1: set(), 1.5: {OTHER}, 2: {OTHER}}) == {}


def test_each_owner_has_its_own_time() -> None:
    seen = {0: {OTHER}, 0.5: {OTHER, THIRD}, 1: {OTHER, THIRD}, 1.5: {OTHER, THIRD}, 2: {THIRD}}
    assert taken_over(Takeover(), seen) == {1.5: [OTHER], 2: [THIRD]}


def test_what_happened_while_nobody_looked_is_not_known() -> None:
    """As when this process was frozen itself."""
    assert taken_over(Takeover(), {0: {OTHER}, 10: {OTHER}, 11: {OTHER}, 11.5: {OTHER}}) == {11.5: [OTHER]}


def test_after_a_session_of_our_own_was_lost_the_others_get_more_time() -> None:
    takeover = Takeover()
    assert taken_over(takeover, {0: {OTHER}, 1: {OTHER}}) == {}
    instants = {2 + step * STEP: {OTHER} for step in range(21)}
    assert taken_over(takeover, instants, session=2) == {2 + AFTER_OUTAGE_SECONDS: [OTHER]}


def test_a_process_that_cannot_be_certain_of_its_leases_has_stopped_sending_before_they_are_taken_over() -> None:
    assert CERTAIN_SECONDS < FREE_SECONDS
