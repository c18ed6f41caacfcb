"""An issuer of keys on 127.0.0.1: what it publishes, how often it is asked, and how it can misbehave."""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

PrivateKey = ec.EllipticCurvePrivateKey


def private_key() -> PrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def signed(key: PrivateKey, key_id: str = "k1", **claims: Any) -> str:
    """A token of account acc-1 that holds for an hour."""
    return jwt.encode({"sub": "acc-1", "exp": time.time() + 3600} | claims, key, "ES256", headers={"kid": key_id})


class Issuer:
    """`document` is what it answers; while `goes_on` is cleared it takes requests and answers none."""

    def __init__(self) -> None:
        self.document = b""
        self.status = 200
        self.asked = 0
        self.goes_on = Event()
        self.goes_on.set()
        self.url = ""

    def publish(self, *keys: tuple[str, PrivateKey], more: Sequence[dict[str, Any]] = ()) -> None:
        """Publish these public keys by `kid`, and `more` entries as they are."""
        public = [
            ECAlgorithm.to_jwk(key.public_key(), as_dict=True) | {"kid": key_id, "use": "sig"} for key_id, key in keys
        ]
        self.document = json.dumps({"keys": [*public, *more]}).encode()


@contextmanager
def running_issuer() -> Iterator[Issuer]:
    issuer = Issuer()

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            issuer.asked += 1
            issuer.goes_on.wait(30)
            with suppress(ConnectionError):  # who asked has gone, where this has kept them waiting
                self.send_response(issuer.status)
                self.end_headers()
                self.wfile.write(issuer.document)

        def log_message(self, *args: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        server.daemon_threads = True
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        issuer.url = f"http://127.0.0.1:{server.server_port}/keys"
        yield issuer
        issuer.goes_on.set()
        server.shutdown()
