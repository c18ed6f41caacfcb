"""Which notifications a lifecycle event makes. Pure."""
