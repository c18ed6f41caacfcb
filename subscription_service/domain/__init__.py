"""The rules, pure: no await, session, clock, log or id generator in here.

Read in this order: `model` (what is known), `step` (one command's way), `decide`, `evolve`, `facts`,
`timeline` (what is due when), `calendar`, `quota`, `pricing`, `overview`.
"""
