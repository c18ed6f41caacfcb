"""`python -m tenure.ops [--data DIR]`: the operations page, as the containers run it."""

from shared.runtime.ending import STOP_SIGNALS, end_at_once

end_at_once(0, *STOP_SIGNALS)  # until the event loop handles them

import sys  # noqa: E402
from argparse import ArgumentParser  # noqa: E402
from functools import partial  # noqa: E402
from pathlib import Path  # noqa: E402

from shared.runtime.process import run_process  # noqa: E402
from tenure.ops.service import run  # noqa: E402

if __name__ == "__main__":
    parser = ArgumentParser(prog="python -m tenure.ops", description="The operations page.")
    parser.add_argument("--data", metavar="DIR", type=Path, help="for the snapshot, instead of TENURE_OPS_DATA_DIR")
    sys.exit(run_process(partial(run, folder=parser.parse_args().data)))
