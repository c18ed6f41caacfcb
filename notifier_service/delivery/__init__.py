"""Sending emails: leases, the sender, SMTP, backoff, the circuit breaker."""
