"""The story of a customer, played against a running stack from outside: through Kafka, HTTP and the mail server only.

- `play`: the whole demo without its command line; `customer`: the chapters that it plays.
- `driver`: publishes events, moves the test clock, waits for what comes of it; `reading`: reads a topic meanwhile.
- `observed`: lifecycle events, mails and dead letters as a story sees them; `metrics`: counts of events in `/metrics`.
- `narrator`: does each step, prints what came of it, and checks it.

Shared by `tenure demo` and the tests in `tests/story`. The services never import it.
"""
