"""The pure core of the notifier: which notifications a lifecycle event makes, for whom, and which are suppressed.

No IO, no clock, no randomness: time and ids are arguments. `decide` is the entry for a batch; `delivery` asks
`outdated` once more before each attempt.
"""
