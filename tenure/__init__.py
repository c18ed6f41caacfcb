"""The command line, and what stands beneath it.

- `__main__`: the process; `command_line`: the table of commands; `commands`: one module per command, which parses,
  calls and prints; `terminal`: how results are printed. Only these three know Typer and Rich.
- `connection_options`: where a running Tenure is found.
- `event_files`, `publishing`, `event_results`, `topics`, `dead_letters`, `notifications`, `auditing`, `tokens`: what
  the commands do.
- `local`: the local stack; `story`: the customer's story that demo and tests play on it.

The services never import this package.
"""
