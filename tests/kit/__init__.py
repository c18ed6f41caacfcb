"""What several heights of tests share.

- `parts`: fixtures for the real Kafka, PostgreSQL and mail server of a test session, and fresh names on them.
- `settings`: the settings of a service that runs on those parts; `tokens`: bearer tokens that it accepts.
- `service`: one copy of a service, running inside the test process; `process`: one as a process of its own; `stack`:
  `tenure up` in processes of its own; `freezing`: a connection that can be made to hang; `hammer`: load on HTTP.
- `topics`: reading a topic to its end; `records`: Kafka records without Kafka.
- `events`: sample events, contacts and specifications, as JSON on the wire.
- `waiting`: `eventually`, for what no barrier announces; `pipes`: a command whose reader has gone.

Only tests import this. Nothing here knows a single test.
"""
