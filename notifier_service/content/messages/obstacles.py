"""What would refuse a manual renewal now, as reminder and notice of a charge list it (R14)."""

from typing import Final

from notifier_service.content.localizer import Localizer
from notifier_service.content.messages.mail_content import ObstacleList
from notifier_service.content.messages.orders import refusal
from shared.contracts.lifecycle_parts import Obstacle, RejectionCode

_UNITS: Final = {
    RejectionCode.SERVERS_BELOW_INVENTORY: "servers",
    RejectionCode.CORES_BELOW_INVENTORY: "cores",
}
"""What full protection lacks for a renewal (R14) -> the unit of its counts."""


def obstacle_list(obstacles: tuple[Obstacle, ...], localizer: Localizer) -> ObstacleList | None:
    """Each reason with its numbers, and what helps; None where nothing would refuse it."""
    if not obstacles:
        return None
    counted = any(each.code in _UNITS for each in obstacles)
    return ObstacleList(
        localizer.text("renewal_due.obstacles"),
        tuple(_obstacle(each, localizer) for each in obstacles),
        localizer.text("renewal_due.obstacles.remedy") if counted else None,
    )


def _obstacle(obstacle: Obstacle, localizer: Localizer) -> str:
    """Only by how much: the quota stands among the details."""
    unit, required, offered = _UNITS.get(obstacle.code), obstacle.required, obstacle.offered
    if unit is None or not isinstance(required, int) or not isinstance(offered, int):
        return refusal(obstacle.code, required, offered, localizer)
    missing = localizer.number(max(required - offered, 0))
    return localizer.text("renewal_due.obstacle", registered=localizer.counted(unit, required), missing=missing)
