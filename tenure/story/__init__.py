"""Stories, played against a running stack from outside: through Kafka, HTTP, commands and the mail server only.

- `play`: the whole demo without its command line; `stories`: those that it can play, each with its chapters: `customer`
  and `moving_in`, with its `moving_in_files`; `chapters`: what they are made of and played on.
- `driver`: publishes events, moves the test clock, waits for what comes of it; `reading`: reads a topic meanwhile.
- `observed`: lifecycle events, mails and dead letters as a story sees them; `metrics`: counts of events in `/metrics`.
- `narrator`: does each step, prints what came of it, and checks it.

Shared by `tenure demo` and the tests in `tests/story`. The services never import it.
"""
