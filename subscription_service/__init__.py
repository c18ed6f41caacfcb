"""Decides: consumes purchases, renewals and inventory, publishes the lifecycle of subscriptions."""
