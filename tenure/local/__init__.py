"""The local stack's parts: Apache Kafka, PostgreSQL, a mail server and the two services, each a child process.

`part` says what every part can do, `process` starts children that die with their parent, `ports` finds ports,
`folders` makes the place where they work, `jars` fetches Kafka, and `kafka`, `postgres`, `mail`, `service` are the
parts themselves.
For `tenure up`, `make demo` and the tests; the services know nothing of this package.
"""
