"""Running a service: settings, start and stop, health, metrics, retries, errors."""
