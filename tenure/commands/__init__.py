"""The subcommands of `tenure`, one module each."""
