"""The recipient's side: internal messages over HTTP, their live stream, and what a recipient switched off."""
