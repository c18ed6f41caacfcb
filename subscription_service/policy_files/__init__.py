"""Policy and catalog, read from TOML files."""
