"""What a person types: the commands, and the local stack that they start."""
