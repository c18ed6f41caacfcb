"""The page's own file: what comes back is what was kept, or nothing."""

from pathlib import Path

import pytest

from shared.contracts.state import SubscriptionState
from shared.contracts.topics import DEAD_LETTERS, LIFECYCLE, OUTCOMES, STATE
from shared.runtime.line_limit import message_of
from shared.runtime.log_lines import GOES_ON
from shared.runtime.settings import Settings
from subscription_service.policy_files.rules import load_rules
from tenure.ops import snapshot
from tenure.ops.keeper import Keeper
from tenure.ops.model import Model
from tenure.ops.snapshot import Basis, DamagedSnapshot, Writing, frames, load
from tests.kit.cases import cases
from tests.unit.ops.records import ESTIMATES, NOW_MS, Topics, lifecycle, outcome, state

BASIS = Basis(bootstrap="kafka:9092", prefix="", catalog="1")


def written(file: Path, model: Model) -> Path:
    writing = Writing(file)
    for frame in frames(model, BASIS, NOW_MS):
        writing.add(frame)
    writing.finish()
    return file


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Model:
    monkeypatch.setattr(snapshot, "_PIECE", 2)
    topics = Topics()
    for number in range(5):
        topics.put(STATE, state(f"acct-{number}", balance="-10000000000000000000000000.01"))
    topics.put(LIFECYCLE, lifecycle("order_rejected", "a"))
    topics.put(LIFECYCLE, lifecycle("auto_renewal_failed", "b"))
    topics.put(LIFECYCLE, lifecycle("erased", "c"))
    topics.put(OUTCOMES, outcome("failed", "a"))
    topics.put(DEAD_LETTERS, b"?", headers=[("dead-letter-reason", b"not_json")])
    topics.put(STATE, b"garbage")
    return topics.model


def test_what_is_kept_comes_back(model: Model, tmp_path: Path) -> None:
    found = load(written(tmp_path / "a" / "file", model), BASIS, ESTIMATES, NOW_MS + 1)
    assert found is not None
    for name in ("positions", *snapshot._SAME, "unreadable"):
        assert getattr(found, name) == getattr(model, name), name
    assert found.accounts.rows == model.accounts.rows
    assert found.accounts.totals == model.accounts.totals
    assert found.accounts.get("acct-3") == model.accounts.get("acct-3")


def test_what_is_folded_while_it_is_written_does_not_come_in(model: Model, tmp_path: Path) -> None:
    writing = Writing(tmp_path / "file")
    for number, frame in enumerate(frames(model, BASIS, NOW_MS)):
        writing.add(frame)
        if number == 0:
            Topics(model).put(STATE, state("acct-4", 99, state="released"))
    writing.finish()
    found = load(tmp_path / "file", BASIS, ESTIMATES, NOW_MS)
    assert found is not None
    assert found.accounts.totals.by_state[SubscriptionState.RELEASED] == 0
    assert (row := found.accounts.get("acct-4"))
    assert row.state == "active"


def test_where_there_is_none_nothing_is_loaded(tmp_path: Path) -> None:
    assert load(tmp_path / "file", BASIS, ESTIMATES, NOW_MS) is None


@cases("place", [0, 5, 20, 200, -40, -33, -1])
def test_a_byte_that_was_damaged_is_noticed(model: Model, tmp_path: Path, place: int) -> None:
    file = written(tmp_path / "file", model)
    content = bytearray(file.read_bytes())
    content[place] ^= 0x55
    file.write_bytes(content)
    with pytest.raises(DamagedSnapshot):
        load(file, BASIS, ESTIMATES, NOW_MS)


@cases("size", [0, 5, 15, 500, -1, -32, -37])
def test_one_that_was_cut_off_is_noticed(model: Model, tmp_path: Path, size: int) -> None:
    file = written(tmp_path / "file", model)
    file.write_bytes(file.read_bytes()[:size])
    with pytest.raises(DamagedSnapshot):
        load(file, BASIS, ESTIMATES, NOW_MS)


def test_one_of_another_broker_or_catalog_or_of_yesterday_is_not_used(model: Model, tmp_path: Path) -> None:
    file = written(tmp_path / "file", model)
    with pytest.raises(DamagedSnapshot, match="another broker"):
        load(file, Basis(bootstrap="elsewhere:9092", prefix="", catalog="1"), ESTIMATES, NOW_MS)
    with pytest.raises(DamagedSnapshot, match="12 hours"):
        load(file, BASIS, ESTIMATES, NOW_MS + snapshot.FRESH_MS + 1)


def test_one_that_is_given_up_leaves_the_old_one(model: Model, tmp_path: Path) -> None:
    file = written(tmp_path / "file", model)
    before = file.read_bytes()
    Writing(file).give_up()
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]


async def test_a_folder_that_cannot_be_written_to_is_told_and_so_is_its_end(
    model: Model, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "tenure")
    folder = tmp_path / "folder"
    folder.write_text("in the way")
    settings = Settings(ops_data_dir=folder)
    keeper = Keeper(settings, load_rules(settings), lambda: NOW_MS)
    await keeper.keep(model)
    folder.unlink()
    await keeper.keep(model)
    first, last = map(message_of, caplog.records)
    assert str(first.values["reason"]).startswith("the snapshot cannot be written: ")
    assert (last.line, last.values["component"]) == (GOES_ON, "snapshot")
    assert (folder / snapshot.FILE_NAME).exists()
