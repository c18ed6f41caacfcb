"""The operations page: a process of its own (`python -m tenure.ops`) that reads Kafka's topics and nothing else.

One message goes one way here too: `reader` takes records from Kafka, `model` folds them into numbers (pure, with
`accounts`, `renewals`, `history`, `latencies` and `rates`), `overview` says what the page shows of them, `page` renders
it, `http` serves it and `stream` keeps it live. `snapshot` keeps the numbers over a restart. It writes to no topic, is
member of no consumer group and opens no database, so nothing waits for it.
"""
