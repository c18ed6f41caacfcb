"""Sending emails: lease, hand to the relay, record the result.

`sender` is the loop, `lease_holder` its transactions, `smtp` the connections; `attempt` and `backoff` are the pure
rules for what a reply means, `redaction` takes addresses out of it. `circuit_breaker` stops sending while the relay is
away; `process_session` keeps leases valid, `takeover` says when those of a dead process may be taken over.
In this package *relay* always means the mail relay.
"""
