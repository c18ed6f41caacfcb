"""The bare loops: the writes of the subscription service without its logic, as fast as this stack goes in Python.

Raw batches of up to 2,000 -> one transaction each -> relay, in the service's own tables and on the same customers.
Nothing is decoded, checked or decided: documents and events are fixed texts, as long as the service's typical ones
(`texts`). `loop`: reading, the transaction, the relay; `batch`: what is to be written of raw records; `designs`: in
what `bare`, which writes what the service writes now, and `bare-2026-11`, which writes what it wrote then, differ.
`benchmarks.bare` is the program.
"""
