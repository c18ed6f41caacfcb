"""PostgreSQL of the notifier, a module per entity: its table, how it is loaded, mapped by name, and saved.

Locks are taken in one order, each kind sorted: stored positions, recipients, notifications, event counts, notification
counts, output partitions of the log. All rows of an account are inserted under the lock of its recipient, so `number`
rises in the order of commits. Functions run in the transaction of their caller and never commit.
"""
