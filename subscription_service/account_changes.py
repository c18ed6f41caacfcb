"""What of an account decides whether something that is worked out from it has to be worked out again. Pure."""

from subscription_service.domain.model import Account


def same_timer(one: Account, other: Account) -> bool:
    """Whether both have the same next timer and stand at the same place of the list: they depend on nothing else."""
    return one.subscription is other.subscription and one.decided_at == other.decided_at
