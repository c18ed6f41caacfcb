"""Apache Kafka: clients and topics; the intake, which reads batches and applies them with stored positions; lag.

`intake` is put together from `reader` (with `assignment`), `batch_applier` and `lag`, around one set of `positions`.
"""
