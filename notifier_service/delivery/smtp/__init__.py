"""SMTP with the mail relay: one table of what each reply means, and the connections.

`stages` (the table) and `replies` (reading them) are pure. `connection` sends commands over one connection, `opening`
makes a connection ready for mails, `transmission` hands one mail over; `pool` keeps connections, and `relay` is what
the rest of the notifier uses.
"""
