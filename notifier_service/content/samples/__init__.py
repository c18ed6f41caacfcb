"""Sample events: what an operator's words are tried on, what previews show, and what tests are made from. Pure."""
