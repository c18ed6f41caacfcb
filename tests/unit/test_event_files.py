"""Files of events: their forms, patterns of names, what is filled in, and what is refused before anything is sent."""

import json
from pathlib import Path
from typing import Any

import pytest

from tenure.event_files import BadEvent, matching, read
from tests.kit.cases import cases

EXAMPLES = Path(__file__).parents[2] / "examples"


def declined(account: str = "acme", **fields: Any) -> dict[str, Any]:
    return {"type": "tenure.renewal.declined.v1", "id": f"of-{account}", "data": {"account_id": account}, **fields}


def write(file: Path, text: str) -> Path:
    file.write_text(text, "utf-8")
    return file


def why_not(file: Path, text: str) -> str:
    with pytest.raises(BadEvent) as refused:
        list(read(write(file, text)))
    return str(refused.value).removeprefix(str(file))


@pytest.mark.parametrize("indent", [None, 2])
def test_documents_are_read_on_one_line_or_on_several(tmp_path: Path, indent: int | None) -> None:
    text = "\n\n".join(json.dumps(declined(account), indent=indent) for account in ("one", "two"))
    messages = list(read(write(tmp_path / "events.json", "\ufeff" + text + "\n")))
    assert [message.key for message in messages] == [b"one", b"two"]
    second = 3 if indent is None else len(json.dumps(declined("one"), indent=2).splitlines()) + 2
    assert messages[1].place == f"{tmp_path}/events.json, line {second}"


def test_an_array_holds_several_events(tmp_path: Path) -> None:
    file = write(tmp_path / "events.json", json.dumps([declined("one"), declined("two")], indent=2))
    assert [(message.key, message.place) for message in read(file)] == [
        (b"one", f"{file}, line 1, event 1"),
        (b"two", f"{file}, line 1, event 2"),
    ]


def test_every_example_is_valid_once_its_time_is_filled_in() -> None:
    files = list(matching([f"{EXAMPLES}/*.json"]))
    assert files == sorted(EXAMPLES.glob("*.json"))
    assert [list(message.filled) for file in files for message in read(file)] == [["time"]] * len(files)


def test_a_pattern_that_fits_no_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BadEvent, match="no file has such a name"):
        list(matching([f"{tmp_path}/*.json"]))


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(tmp_path: Path) -> None:
    file = write(tmp_path / "events[1].json", "")
    assert list(matching([str(file)])) == [file]


@cases(
    ("text", "sentence"),
    [
        (f"{json.dumps(declined())}\n{{", ", line 2 is no JSON"),
        ("[]", ", line 1: expected a JSON object, or an array of them."),
        (json.dumps([declined(), 7]), ", line 1, event 2: expected a JSON object"),
        (json.dumps(declined(data={})), ", line 1: subject: required"),
        (json.dumps(declined(data={}, subject="acme")), ", line 1: data.account_id: Field required (invalid_data)."),
        (json.dumps(declined(subject="other")), ", line 1: subject: expected 'acme' as in data.account_id"),
        (json.dumps(declined(time="yesterday")), ", line 1: time: "),
        (json.dumps(declined(id="")), ", line 1: id: required"),
        (json.dumps(declined("a b", id="e-1")), ", line 1: subject: expected 1-128 characters"),
        (f"{json.dumps(declined())} trailing", ", line 1 is no JSON"),
        ("{}", ", line 1: an event without a type has no topic; to send it all the same"),
        ('{"type": null}', ", line 1: type None has no topic; to send it all the same"),
    ],
)
def test_what_is_not_valid_is_refused_with_file_line_and_field(tmp_path: Path, text: str, sentence: str) -> None:
    told = why_not(tmp_path / "events", text)
    assert (told.startswith(sentence), "Nothing was sent" in told) == (True, True), told


def test_without_the_check_an_invalid_event_is_read(tmp_path: Path) -> None:
    file = write(tmp_path / "events", json.dumps(declined(data={"account_id": 7})))
    [message] = read(file, check=False)
    assert (message.topic, message.key) == ("renewals", None)


def test_a_wrapped_event_is_never_checked(tmp_path: Path) -> None:
    file = write(tmp_path / "events", json.dumps({"topic": "purchases", "event": {"type": "?"}}))
    [message] = read(file)
    assert (message.topic, message.value, message.filled) == ("purchases", b'{"type":"?"}', ())


def test_the_clocks_advance_needs_no_subject(tmp_path: Path) -> None:
    advance = {"type": "tenure.clock.advanced.v1", "data": {"now": "2026-02-21T02:00:00Z"}}
    [message] = read(write(tmp_path / "events", json.dumps(advance)))
    assert (message.topic, message.key) == ("test-clock", None)
