"""Loads both files that the settings name, or the defaults. Called at the start by `app` and by `tenure audit`."""

from shared.runtime.settings import BadSettings, Settings
from subscription_service.domain.policy import Rules
from subscription_service.policy_files import catalog, policy


def load_rules(settings: Settings) -> Rules:
    """Policy and catalog. Raises `BadSettings` with file, table and key of what is wrong."""
    try:
        return Rules(
            policy=policy.load_policy(settings.policy_file or policy.DEFAULT),
            catalog=catalog.load_catalog(settings.catalog_file or catalog.DEFAULT),
        )
    except ValueError as error:
        raise BadSettings(str(error)) from error
