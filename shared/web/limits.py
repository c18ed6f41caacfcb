"""What one caller of HTTP may take: every limit of HTTP is a name in this module, or a setting `TENURE_HTTP_…`.

The tables under "Bounds" in docs/operations.md list them; a test compares the two.
"""

from typing import Final

CONNECTIONS: Final = 512
"""Open connections of a process. One more, and one is closed that waits for its request or is not read from."""
REQUEST_SECONDS: Final = 10.0
"""A request must have arrived whole so long after its connection was opened, or after the answer before."""
IDLE_SECONDS: Final = 5
"""A connection without a request is kept open so long after an answer."""
SEND_SECONDS: Final = 30.0
"""A caller that takes nothing of an answer for so long is disconnected."""
LINGER_SECONDS: Final = 2.0
"""The rest of a request that was answered before its end is thrown away for so long, so that its sender sees why."""
HEADER_BYTES: Final = 16_384
"""Request line and headers together."""
BODY_BYTES: Final = 65_536
"""The body of a request."""
TRY_BYTES: Final = 1_048_576
"""The body of `POST /api/accounts/{id}/try`: an event as large as one that is read from Kafka."""
BOUNCE_BYTES: Final = 524_288
"""The body of `POST /bounces`: a mail that came back, perhaps with all of what was sent."""
TOKEN_CHARACTERS: Final = 8_192
"""A bearer token."""
RATE_SECONDS: Final = 10
"""Rates of requests (`TENURE_HTTP_RATE_PER_…`) are averages over this time."""
REFUSAL_SECONDS: Final = 0.2
"""A request beyond the rate is answered only after this time, so that a caller in a loop takes no computing time."""
STREAMS: Final = 256
"""Open streams of a process."""
STREAMS_PER_ACCOUNT: Final = 10
"""Open streams of one account in a process."""
DATABASE_CONNECTIONS: Final = 4
"""Database connections of HTTP that stay open; under load twice as many."""
DATABASE_SECONDS: Final = 5.0
"""A statement of HTTP, and the wait for one of its database connections."""
PAGE_SECONDS: Final = 2.0
"""How long `/health` and `/metrics` wait for the database before they answer without it."""
PREFLIGHT_SECONDS: Final = 600
"""A browser remembers so long which paths another origin may call (`TENURE_INBOX_ORIGINS`)."""
KEYS_SECONDS: Final = 5.0
"""Fetching the keys of `TENURE_AUTH_JWKS_URL`."""
KEYS_BYTES: Final = 262_144
"""The document at `TENURE_AUTH_JWKS_URL`."""
KEYS_PAUSE_SECONDS: Final = 10.0
"""Between two fetches of keys, whether the first succeeded or not."""
KEYS_FRESH_SECONDS: Final = 300.0
"""Keys older than this are fetched again in the background; until that succeeds they stay in use."""
