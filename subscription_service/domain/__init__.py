"""The rules of the rule book as pure functions: nothing in here awaits, logs, stores, reads a clock, or is random.

Read in this order: `model` (what is known of an account), `policy` (what the two TOML files set), `context` (the
arguments of decisions), `step` (one event or timer from start to end), then:
- orders: `decide`, `switching`, `checks` (the conditions of R41), `refusals` (codes and sentences), `terms`, `pricing`
- operators: `importing`, `taking_back`, `extending`, `erasing`
- time: `calendar`, `timers` (what is due when), `run_timer` (what a timer does), `deduction` (automatic renewal),
  `charge_notices`, `reminders`, `waiting` (which events wait, and what happens next: R4, R40)
- changes: `evolve` and `changing_terms` (by lifecycle events), `facts`, `inventory` and `recipients` (by events in),
  `quota` (what fits), `persistent_map` (a map whose changed copy is cheap)
- views: `overview`, `orders`, `listing`, `timeline`, `forecast`
"""
