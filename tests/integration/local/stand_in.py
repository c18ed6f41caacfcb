"""A stand-in for a service: makes the topics, answers `/ready`, and tells its environment at `/`.

`python stand_in.py` runs one; `python stand_in.py up ...` runs `tenure up` with stand-ins for both services.
"""

import asyncio
import json
import os
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

from shared.contracts.topics import TOPICS
from shared.kafka.topics import ensure
from shared.runtime.settings import load
from tenure.__main__ import main as tenure

COMMANDS = {service: (sys.executable, __file__, "serve", service) for service in ("subscription", "notifier")}


class Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = json.dumps({name: value for name, value in os.environ.items() if name.startswith("TENURE_")}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def serve() -> None:
    settings = load()
    if settings.log_level == "error":
        sys.exit("the stand-in was told to fail")
    asyncio.run(ensure(list(TOPICS), settings))
    HTTPServer((settings.http_host, settings.http_port), Answers).serve_forever()


def main() -> int:
    if sys.argv[1] == "serve":
        serve()
        return 0
    return tenure(sys.argv[1:], service_commands=COMMANDS)


if __name__ == "__main__":
    sys.exit(main())
