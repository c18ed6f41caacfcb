"""The outbox: the log that a transaction appends to, the relay that publishes it, and the relay's leader."""
