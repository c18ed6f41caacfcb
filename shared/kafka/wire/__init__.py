"""What the broker answers to a fetch, made safe before aiokafka reads it. Pure but for `client`.

A client that meets what it cannot decode stands still at that offset for ever, and one that unpacks a batch unpacks it
whole, however large it is. So each answer is rewritten first: `cleaning` turns the record batches of one partition into
batches that aiokafka reads, within bounds, and says of each record that cannot be read why (docs/decisions/0019).
Format of batches and records: `batch`; decompression in small steps: `compression`; reading bytes: `stream`.
"""
