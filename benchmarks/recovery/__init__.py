"""How long it takes after a death until everything goes on: `python -m benchmarks recovery --help`.

`deaths`: the kinds; `recovery_stack`: a local stack in which they happen, and what comes out of it; `probes`: the
events whose way is timed; `rounds`: one death and what it took; `results`: JSON and the table in docs/proof.md;
`command`: all of it.
"""
