"""How fast events go from in to out, beside two loops of the same shape: `python -m benchmarks --help`."""
