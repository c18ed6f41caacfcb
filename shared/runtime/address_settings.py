"""Checks of the settings that say where something is.

Each function returns the value, and raises `ValueError` with what was expected.
"""

import re
from ipaddress import ip_network
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from pydantic import SecretStr

from shared.runtime import mail_settings

_URL: Final = re.compile(r"[!#$%&'()*+,./0-9:;=?@A-Z\[\]_a-z~-]+")
"""The characters of a URL (RFC 3986): what mails turn into links holds no blank, quote or angle bracket."""
_PORT: Final = re.compile(r"[0-9]{1,5}")
_UNCHECKED: Final = ("disable", "allow", "prefer")
_CHECKED: Final = ("require", "verify-ca", "verify-full")
"""The sslmodes that check the server's certificate where there is one to check it against."""


def host_and_port_list(text: str) -> str:
    """One `host:port`, or several with commas between."""
    for each in text.split(","):
        host, _, port = each.strip().rpartition(":")
        if not _is_host(host) or not _PORT.fullmatch(port) or not 0 < int(port) < 65536:
            raise ValueError("expected host:port, or several of them with commas between")
    return text


def _is_host(text: str) -> bool:
    try:
        mail_settings.host(text)
    except ValueError:
        return False
    return True


def web_address(address: str) -> str:
    """An address by http or https."""
    if _scheme(address) not in ("http", "https") or not urlsplit(address).hostname or not _URL.fullmatch(address):
        raise ValueError("expected an address such as https://tenure.example")
    return address


def mailed_address(address: str) -> str:
    """An address to which paths are added for the links of mails: without a login, a query or a fragment."""
    if {"?", "#", "@"} & set(web_address(address)):
        raise ValueError("expected an address such as https://tenure.example, without ?, # and @")
    return address


def origins(text: str) -> str:
    """Origins as browsers send them, with commas between; may be empty."""
    for each in filter(None, map(str.strip, text.split(","))):
        if web_address(each) != f"{_scheme(each)}://{urlsplit(each).netloc.lower()}" or "@" in each:
            raise ValueError("expected origins such as https://console.example, with commas between")
    return text


def networks(text: str) -> str:
    """IP addresses or networks, with commas between; may be empty."""
    for each in filter(None, text.split(",")):
        try:
            ip_network(each.strip())
        except ValueError:
            raise ValueError("expected addresses or networks (10.0.0.0/8), with commas between") from None
    return text


def postgresql_url(url: SecretStr) -> SecretStr:
    """PostgreSQL's address, with an sslmode that makes use of the certificates in it."""
    plain = url.get_secret_value()
    if _scheme(plain).partition("+")[0] not in ("postgresql", "postgres"):
        raise ValueError("expected postgresql://user:password@host:port/database")
    options = dict(parse_qsl(urlsplit(plain).query))
    mode = options.get("sslmode", options.get("ssl", "prefer"))
    if mode not in (*_UNCHECKED, *_CHECKED):
        raise ValueError(f"expected an sslmode of {', '.join((*_UNCHECKED, *_CHECKED))}")
    if mode in _UNCHECKED and not {"sslrootcert", "sslcrl"}.isdisjoint(options):
        raise ValueError(f"with sslmode={mode} no certificate is checked; expected verify-full beside sslrootcert")
    return url


def _scheme(url: str) -> str:
    """The URL's scheme; empty where the text is no URL, or its port is no port."""
    try:
        split = urlsplit(url)
        return split.scheme if split.port != 0 else ""
    except ValueError:
        return ""
