"""The audit: the log folded anew and compared with what is stored."""
