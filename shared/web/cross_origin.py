"""Which pages of other origins may call which paths (CORS): with a bearer token, never with a cookie."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.web import limits


@dataclass(frozen=True, slots=True)
class CrossOriginAccess:
    """`origins`, such as `https://console.example`, may call what is at or below one of `paths`."""

    origins: Sequence[str]
    paths: Sequence[str]


class CrossOrigin:
    """Tells browsers what is allowed; the paths themselves are guarded by tokens as ever.

    The outermost middleware, so that a console also sees why it is refused.
    """

    def __init__(self, app: ASGIApp, access: CrossOriginAccess) -> None:
        self._app = app
        self._paths = tuple(access.paths)
        self._allowing = CORSMiddleware(
            app,
            allow_origins=access.origins,
            allow_methods=("GET", "POST"),
            allow_headers=("Authorization", "Last-Event-ID"),
            max_age=limits.PREFLIGHT_SECONDS,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        shared = scope["type"] == "http" and self._reaches(scope["path"])
        await (self._allowing if shared else self._app)(scope, receive, send)

    def _reaches(self, path: str) -> bool:
        return any(path == each or path.startswith(f"{each}/") for each in self._paths)
