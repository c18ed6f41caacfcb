"""Alembic's entry. Every module with a table of this service is imported here, so that its description is known."""

from shared.storage.alembic_scripts import run_environment
from subscription_service.storage import (  # noqa: F401
    accounts,
    applied_policy,
    configuration,
    coupons,
    deduplication,
    ledger,
    orders,
    receipts,
    rule_changes,
    servers,
    subscription_counts,
    waiting,
)
from subscription_service.storage.metadata import SubscriptionTable

run_environment(SubscriptionTable.metadata)
