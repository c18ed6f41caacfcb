"""The wire: every event in and out, as frozen values.

`types` holds the words, `inbound`, `lifecycle`, `outcomes`, `clock` and `state` the documents,
`envelope` the way from bytes to values and back. Nothing here does IO.
"""
