"""`python -m subscription_service [--accept-policy-change]`: one copy of the service, as the containers run it."""

import gc

from shared.runtime.ending import STOP_SIGNALS, end_at_once

end_at_once(0, *STOP_SIGNALS)  # until the event loop handles them
gc.disable()  # until `start`: a tenth of the time that the imports take would go into searches that find nothing

import os  # noqa: E402
import sys  # noqa: E402
from argparse import ArgumentParser  # noqa: E402

from shared.runtime.start import start  # noqa: E402
from subscription_service.app import SUBSCRIPTION  # noqa: E402

if __name__ == "__main__":
    parser = ArgumentParser(prog="python -m subscription_service", description=SUBSCRIPTION.name)
    parser.add_argument(
        "--accept-policy-change",
        nargs="?",
        const="yes",
        metavar="FINGERPRINT",
        help="the same as TENURE_ACCEPT_POLICY_CHANGE=yes, or =FINGERPRINT",
    )
    accepted = parser.parse_args().accept_policy_change
    if accepted:
        os.environ["TENURE_ACCEPT_POLICY_CHANGE"] = accepted
    sys.exit(start(SUBSCRIPTION))
