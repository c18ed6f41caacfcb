"""Telling a customer's story to a running Tenure, from outside: through Kafka, HTTP and the mail server only."""
