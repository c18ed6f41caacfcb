"""`python -m notifier_service`: one copy of the service, as the containers run it."""

import gc

from shared.runtime.ending import STOP_SIGNALS, end_at_once

end_at_once(0, *STOP_SIGNALS)  # until the event loop handles them
gc.disable()  # until `start`: a tenth of the time that the imports take would go into searches that find nothing

import sys  # noqa: E402
from argparse import ArgumentParser  # noqa: E402

from notifier_service.app import NOTIFIER  # noqa: E402
from shared.runtime.start import start  # noqa: E402

if __name__ == "__main__":
    ArgumentParser(prog="python -m notifier_service", description=NOTIFIER.name).parse_args()
    sys.exit(start(NOTIFIER))
