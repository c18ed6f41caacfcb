"""What notifications contain: sentences in each language, addresses, mails, internal messages, the calendar file."""
