"""`python -m tenure.ops [--data DIR]`: the operations page, as the containers run it."""

import sys
from argparse import ArgumentParser
from functools import partial
from pathlib import Path

from shared.runtime.process import run_process
from tenure.ops.service import run

if __name__ == "__main__":
    parser = ArgumentParser(prog="python -m tenure.ops", description="The operations page.")
    parser.add_argument("--data", metavar="DIR", type=Path, help="for the snapshot, instead of TENURE_OPS_DATA_DIR")
    sys.exit(run_process(partial(run, folder=parser.parse_args().data)))
