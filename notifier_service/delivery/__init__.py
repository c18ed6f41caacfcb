"""Sending emails: lease, hand to the relay, record the result.

`sender` is the loop, `leases` its transactions, `smtp` the connections; `attempt` and `backoff` are the pure rules for
what a reply means. `circuit_breaker` stops sending while the relay is away; `process_session` keeps leases valid.
In this package *relay* always means the mail relay.
"""
