"""The story of a customer, played against a running stack from outside: through Kafka, HTTP and the mail server only.

- `driver`: publishes events, moves the test clock, reads what came of it.
- `stack`: a stack to play on, started and stopped.
- `narrator`: prints each step and checks it; `customer`: the steps that `tenure demo` plays.

Shared by `tenure demo` and the tests in `tests/story`. The services never import it.
"""
