"""Policy and catalog: two TOML files, read and checked at the start, as `domain.policy.Rules`.

`policy.toml` and `catalog.toml` beside this module are the defaults; `TENURE_POLICY_FILE` and `TENURE_CATALOG_FILE`
name others. `rules.load_rules` is the way in; a wrong value is an error that names file, table and key.
"""
