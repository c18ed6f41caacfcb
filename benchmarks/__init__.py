"""How many events per second go from in to out, compared with two loops of the same shape, or with another checkout.

`python -m benchmarks --help`. `servers`: Kafka and PostgreSQL, and a workspace on them for each run; `workload`: the
events; `runs`: one measured run; `output`: what it published; `audit`: whether that is right; `latency`: of single
events; `bare` and `usual`: the two loops; `report`, `comparison`, `page`, `machine`: the results;
`recovery`: how long a death is felt.
"""
