"""`python -m tenure.ops [--data DIR]`: the operations page, as the containers run it."""

import os
import sys
from argparse import ArgumentParser

from shared.runtime.process import run_process
from tenure.ops.service import run

if __name__ == "__main__":
    parser = ArgumentParser(prog="python -m tenure.ops", description="The operations page.")
    parser.add_argument("--data", metavar="DIR", help="the same as TENURE_OPS_DATA_DIR: keep a snapshot there")
    data = parser.parse_args().data
    if data:
        os.environ["TENURE_OPS_DATA_DIR"] = data
    sys.exit(run_process(run))
