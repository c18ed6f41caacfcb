"""The rules, pure: no await, session, clock, log or id generator in here.

Read in this order: `model` (what is known), `policy` (what was chosen), `step` (one command's way), then
- orders: `decide`, `switching`, `checks` (R41's conditions), `refusals` (their sentences), `terms`, `pricing`
- time: `calendar`, `situation` (the instant of a decision), `timers` (what is due when), `run_timer` (what it does),
  `deduction` (automatic renewal), `reminders`
- what happened: `evolve` (events), `facts` and `inventory` (everything else), `quota` (what fits)
- what is shown: `overview`, `orders`, `timeline`
"""
