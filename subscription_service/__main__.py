"""`python -m subscription_service`: one copy of the service, as the containers run it."""

import sys

from shared.runtime.start import start
from subscription_service.app import SUBSCRIPTION

if __name__ == "__main__":
    sys.exit(start(SUBSCRIPTION))
