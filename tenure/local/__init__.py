"""The local stack's parts: Apache Kafka, PostgreSQL, a mail server and the two services, each a child process.

- `part`: what every part can do; `kafka`, `postgres`, `mail`, `service`: the parts themselves.
- `process`: child processes that end with their parent; `ports`, `folders`: where a part listens and keeps its data;
  `jars`: fetches Kafka; `answers`: whether a port or an HTTP path answers.
- `stack`: all parts together; `running`: a stack for as long as a block runs; `up`: a stack until a signal;
  `ready_file`: where it tells of itself.
- `mail_server`, `mailbox`, `mail_pages`: the process of the mail server.

For `tenure up`, `tenure demo` and the tests; the services never import this package.
"""
