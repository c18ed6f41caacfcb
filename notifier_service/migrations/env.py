"""Alembic's entry. Every module with a table of this service is imported here, so that its description is known."""

from notifier_service.storage import (  # noqa: F401
    kept_mails,
    messages,
    notification_counts,
    notifications,
    preferences,
    recipients,
    suppressions,
    unsubscriptions,
)
from notifier_service.storage.metadata import NotifierTable
from shared.storage.alembic_scripts import run_environment

run_environment(NotifierTable.metadata)
