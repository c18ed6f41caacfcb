"""The local mail server as a part: a real SMTP server, with an HTTP API for the mails that it took."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Final, Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tenure.local.answers import http_answers
from tenure.local.part import Part
from tenure.local.ports import HOST, free_port

Tls = Literal["none", "starttls", "tls"]
_CERTIFICATE_DAYS: Final = 365


class MailServer(Part):
    """`login` is (user name, password) that AUTH then demands; `certificate` is what a client must trust for TLS."""

    def __init__(self, folder: Path, port: int | None = None, *, http_port: int | None = None) -> None:
        super().__init__("mail", folder)
        self.port = port or free_port()
        self.http_port = http_port or free_port()
        self.tls: Tls = "none"
        self.login: tuple[str, str] | None = None

    @property
    def smtp(self) -> str:
        """`host:port` for senders."""
        return f"{HOST}:{self.port}"

    @property
    def url(self) -> str:
        """Where the mails are read over HTTP; the paths: see `mail_server`."""
        return f"http://{HOST}:{self.http_port}"

    @property
    def certificate(self) -> Path:
        """PEM of the self-signed certificate (and, for the server, its key)."""
        return self.folder / "certificate.pem"

    @property
    def ports(self) -> Sequence[int]:
        return self.port, self.http_port

    def command(self) -> Sequence[str]:
        command = [sys.executable, "-m", "tenure.local.mail_server", "--folder", str(self.folder / "mails")]
        command += ["--port", str(self.port), "--http-port", str(self.http_port), "--tls", self.tls]
        if self.tls != "none":
            command += ["--certificate", str(self.certificate)]
        return [*command, "--login", str(self._login_file)] if self.login else command

    async def prepare(self) -> None:
        if self.tls != "none" and not self.certificate.exists():
            self._write_private(self.certificate, _self_signed())
        if self.login:
            self._write_private(self._login_file, ":".join(self.login).encode())

    async def answers(self) -> bool:
        """Its HTTP side opens after its SMTP side."""
        return await http_answers(f"{self.url}/api/messages")

    @property
    def _login_file(self) -> Path:
        return self.folder / "login"

    def _write_private(self, file: Path, content: bytes) -> None:
        file.touch(mode=0o600)
        file.write_bytes(content)


def _self_signed() -> bytes:
    """Key and certificate for 127.0.0.1 and localhost, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ip_address(HOST))])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=_CERTIFICATE_DAYS))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private + certificate.public_bytes(serialization.Encoding.PEM)
