"""Whether a part answers, asked as its users would ask. No answer is `False`, never an exception."""

import asyncio
import ssl
from typing import Final

import httpx

# A context of our own, since httpx would read all of the system's certificates for each request.
_CONTEXT: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
_TIMEOUT_SECONDS: Final = 5


async def port_answers(host: str, port: int) -> bool:
    """Whether a server accepts connections there."""
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    return True


async def http_answers(url: str) -> bool:
    """Whether a `GET` is answered with a 2xx."""
    answer = await _answer(url)
    return answer is not None and answer.is_success


async def waits_for(url: str) -> str | None:
    """What a service says at its `/ready` that it waits for; empty when it is ready, None where nothing answers."""
    answer = await _answer(url)
    if answer is None or answer.is_success:
        return None if answer is None else ""
    components: dict[str, list[str]] = {}
    try:
        for component, reason in answer.json()["troubles"].items():
            components.setdefault(str(reason), []).append(component)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    components.pop("starting", None)
    return "; ".join(f"{', '.join(named)}: {reason}" for reason, named in components.items()) or None


async def _answer(url: str) -> httpx.Response | None:
    try:
        async with httpx.AsyncClient(trust_env=False, verify=_CONTEXT, timeout=_TIMEOUT_SECONDS) as client:
            return await client.get(url)
    except httpx.TransportError:
        return None
