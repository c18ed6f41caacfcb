"""The wire: every event in and out, as frozen values.

- `scalars` (with `exact_numbers`), `fields`, `types`: formats, the meaning of each field, shared objects and
  enumerations
- `purchases`, `renewals`, `inventory` (together: `inbound`), `lifecycle` (with `lifecycle_parts`), `outcomes`, `clock`,
  `state`: the data of each event type
- `topics`: the registry of topics, with their event types
- `envelope`: from bytes to events and back
- `schemas`, `asyncapi`, `reference`: JSON Schema, AsyncAPI and Markdown, generated from all of these
- `examples`: an example of each event type, served with the AsyncAPI documents

Pure: nothing here does IO.
"""
