"""`python -m notifier_service`: one copy of the service, as the containers run it."""

import sys

from notifier_service.app import NOTIFIER
from shared.runtime.start import start

if __name__ == "__main__":
    sys.exit(start(NOTIFIER))
