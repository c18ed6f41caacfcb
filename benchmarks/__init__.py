"""How many events per second go from in to out, compared with loops of the same shape, or with another checkout.

`python -m benchmarks --help`. `servers`: Kafka and PostgreSQL, and a workspace on them for each run; `workload`: the
events; `runs`: one measured run; `output`: what it published; `audit`: whether that is right; `latency`: of single
events; `resource_usage`: of processes and servers; `bare`, with `bare_loop`, and `usual`: the loops beside it;
`report`, `comparison`, `page`, `machine`: the results.

Each of these is a benchmark of its own, by its name as first argument: `backlog` (memory while very many events wait),
`copies` and `cells` (two beside one, with `cell_runs` and `side_by_side`), `core` (processor time of deciding),
`growth` (whether costs grow with what an account has), `lists` (the list of accounts, the forecast), `mails` (the
notifier), `moving_in` (an import), `ops` (the operations page), `recovery` (how long a death is felt), `smoke` (whether
an event has become dearer). `firm` and `ops_topics` make what they measure; `deciding` is the code that decides,
without Kafka; `standalone` is the frame of several.
"""
