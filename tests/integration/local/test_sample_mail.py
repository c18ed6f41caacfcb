"""`tenure mails preview --send-to`: a sample reaches a mailbox through the relay that the settings name."""

import pytest

from tenure.__main__ import main
from tenure.local.mail import MailServer
from tests.kit import http


def test_a_sample_in_each_language_arrives_and_a_refusal_is_told(
    mail: MailServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    host, _, port = mail.smtp.rpartition(":")
    for name, value in {"SMTP_HOST": host, "SMTP_PORT": port, "SMTP_TLS": "none"}.items():
        monkeypatch.setenv(f"TENURE_{name}", value)
    command = ["mails", "preview", "expired", "--send-to", "ops@acme.example"]
    assert main(command) == 0
    assert capsys.readouterr().out == f"2 sent to ops@acme.example through {mail.smtp}\n"
    arrived = http.get(f"{mail.url}/api/messages").json()
    assert [each["headers"]["X-Tenure-Type"] for each in arrived] == ["expired", "expired"]
    assert len({each["headers"]["Message-ID"] for each in arrived}) == 2
    refusal = {"recipient": "ops@acme.example", "reply": "550 no such user"}
    http.post(f"{mail.url}/api/behaviour", json=refusal).raise_for_status()
    assert main(command) == 1
    assert "the relay did not take the sample: 550" in capsys.readouterr().err
