"""`tenure mails preview`: which files it writes, what it refuses, and a sample sent through a relay."""

import email
import email.policy
from pathlib import Path

import pytest

from notifier_service.content.samples.mails import samples
from tenure.__main__ import main
from tests.kit.cases import cases
from tests.unit.notifier import pictures


@pytest.fixture(autouse=True)
def brand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "logo.png").write_bytes(pictures.png())
    text = 'product_name = "Acme"\nlogo_file = "logo.png"\nrenew_url = "https://acme.example/{account_id}"\n'
    (tmp_path / "brand.toml").write_text(text)
    monkeypatch.setenv("TENURE_BRAND_FILE", "brand.toml")


def preview(*arguments: str) -> int:
    return main(["mails", "preview", *arguments])


@pytest.mark.slow
def test_every_mail_is_written_in_every_language_with_a_page_for_all(tmp_path: Path) -> None:
    assert preview() == 0
    names = {path.name for path in (tmp_path / "mails").iterdir()}
    ends = [f"{language}.{end}" for language in ("en", "zh-CN") for end in ("light.html", "dark.html", "eml")]
    expected = {f"{sample.name}.{end}" for sample in samples() if sample.is_mailed for end in ends}
    assert names == expected | {"index.html", "index.zh-CN.html"}
    page = (tmp_path / "mails" / "index.html").read_text("utf-8")
    assert 'src="expired.en.dark.html"' in page
    assert 'href="index.zh-CN.html"' in page
    assert "contact_changed" in page


def test_a_kind_or_a_variant_in_one_language_is_written_where_it_is_wanted(tmp_path: Path) -> None:
    assert preview("expired", "--locale", "zh_cn", "--out", "here") == 0
    assert preview("renewal_due-off", "--locale", "en", "--out", "there") == 0
    assert {path.name.split(".")[0] for path in (tmp_path / "here").iterdir()} == {
        "expired",
        "expired-nothing",
        "index",
    }
    written = tmp_path / "there" / "renewal_due-off.en.eml"
    mail = email.message_from_bytes(written.read_bytes(), policy=email.policy.default)
    assert mail["From"] == "Acme <renewals@localhost>"
    assert "Renew now: https://acme.example/acct-1" in str(mail.get_body(("plain",)))


@cases(
    ("arguments", "code", "told"),
    [
        (["nothing"], 1, "there is no kind or variant 'nothing'; the kinds are activated, renewed, "),
        (["expired", "--locale", "fr"], 1, "there is no language 'fr'; the languages are en, zh-CN"),
        (["--send-to", "a@b.example"], 2, "--send-to needs a KIND"),
        (["expired", "--send-to", "nobody"], 1, "the address has no @"),
        (["contact_changed", "--send-to", "a@b.example"], 1, "only an internal message"),
    ],
)
def test_what_cannot_be_shown_is_told(
    capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, told: str
) -> None:
    assert preview(*arguments) == code
    assert told in capsys.readouterr().err


def test_a_bad_brand_is_told_with_its_key(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "brand.toml").write_text('accent_color = "red"')
    for command in (["mails", "preview"], ["check"]):
        assert main(command) == 2
        assert "brand.toml: accent_color: expected a colour" in capsys.readouterr().err


def test_what_the_next_start_would_use_is_said_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "words").mkdir()
    header = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n\n'
    (tmp_path / "words" / "en.po").write_text(f'{header}msgid "button.renew"\nmsgstr "Keep it"\n')
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TENURE_WORDS_DIR", "words")
        assert main(["check"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "product_name Acme" in told
    assert "renew_url who has to renew is led to https://acme.example/{account_id}" in told
    assert "en 1 sentence of yours" in told
    assert "zh-CN our sentences" in told
