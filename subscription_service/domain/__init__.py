"""The rules of the rule book as pure functions: nothing in here awaits, logs, stores, reads a clock, or is random.

Read in this order: `model` (what is known of an account), `policy` (what the two TOML files set), `context` (the
arguments of decisions), `step` (one event or timer from start to end), then:
- orders: `decide`, `switching`, `checks` (the conditions of R41), `refusals` (codes and sentences), `terms`, `pricing`
- time: `calendar`, `timers` (what is due when), `run_timer` (what a timer does), `deduction` (automatic renewal),
  `reminders`, `waiting` (which events wait, and what happens next: R4, R40)
- changes: `evolve` (by lifecycle events), `facts` and `inventory` (by events in), `quota` (what fits)
- views: `overview`, `orders`, `timeline`
"""
