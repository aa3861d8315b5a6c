"""The conformance suite of rails of files: sent once, whatever dies; read once, none lost."""

import os
import stat
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from tests.psp.rails.files import KINDS, Kind, taken_out

from clearhouse.kernel.errors import ConfigurationError
from clearhouse.psp import rail_registry
from clearhouse.psp.contract import Unknown
from clearhouse.psp.rails import (
    Batch,
    ConnectedAccount,
    Instruction,
    NotSent,
    RailConfig,
    Submitted,
)

pytestmark = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)


class Killed(BaseException):
    """The process is gone; nothing after this runs."""


async def test_a_batch_is_handed_over_as_one_file_that_nobody_else_can_read(
    kind: Kind, tmp_path: Path
) -> None:
    rail, batch = kind.rail(tmp_path), kind.batch()
    told = await rail.submit(batch)
    (name,) = (path.name for path in (tmp_path / "out").iterdir())
    assert told == {each.payout_id: Submitted(name) for each in batch.instructions}
    assert name.startswith(batch.batch_id)
    assert stat.S_IMODE((tmp_path / "out" / name).stat().st_mode) == 0o600
    assert await rail.inquire(batch) == told
    assert list((tmp_path / "staged").iterdir()) == []


async def test_the_same_batch_makes_the_same_bytes_anywhere(kind: Kind, tmp_path: Path) -> None:
    batch = kind.batch()
    for folder in (tmp_path / "one", tmp_path / "two"):
        await kind.rail(folder).submit(batch)
    assert taken_out(tmp_path / "one") == taken_out(tmp_path / "two")


async def test_the_same_batch_again_sends_nothing_even_when_the_bank_took_the_file(
    kind: Kind, tmp_path: Path
) -> None:
    rail, batch = kind.rail(tmp_path), kind.batch()
    told = await rail.submit(batch)
    assert len(taken_out(tmp_path)) == 1
    assert await rail.submit(batch) == told
    assert await kind.rail(tmp_path).submit(batch) == told
    assert taken_out(tmp_path) == {}


async def test_what_was_never_submitted_was_not_sent(kind: Kind, tmp_path: Path) -> None:
    told = await kind.rail(tmp_path).inquire(kind.batch())
    assert {type(outcome) for outcome in told.values()} == {NotSent}


async def test_killed_at_any_step_it_is_sent_once_in_the_end(kind: Kind, tmp_path: Path) -> None:
    """Every call to the file system is, once, the last thing that a process does."""
    batch, step, killed = kind.batch(), 0, True
    while killed:
        folder = tmp_path / str(step)
        kind.rail(folder)
        with pytest.MonkeyPatch.context() as patch:
            deaths = dying_at(step, patch)
            with suppress(Killed):
                submit_here(kind.rail(folder), batch)
            killed = deaths["died"] > 0
        asked = set((await kind.rail(folder).inquire(batch)).values())
        sent = taken_out(folder)
        # Whoever asks in between is told the truth: not sent if, and only if, nothing left.
        assert {type(outcome) for outcome in asked} == ({Submitted} if sent else {NotSent}), step
        await kind.rail(folder).submit(batch)
        assert len({**sent, **taken_out(folder)}) == 1
        assert len(sent) + len(list((folder / "out").iterdir())) <= 1
        step += 1
    assert step > 10


def submit_here(rail: Any, batch: Batch) -> None:
    """In this thread, so that the test decides when it dies."""
    rail._submit(batch)


def dying_at(step: int, patch: pytest.MonkeyPatch) -> Counter[str]:
    """Let the process die before the n-th call that writes."""
    count: Counter[str] = Counter()

    def deadly(original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            if count["calls"] == step:
                count["died"] += 1
                raise Killed
            count["calls"] += 1
            return original(*arguments, **named)

        return call

    for place, name in (
        *((os, "open"), (os, "link"), (os, "fsync"), (os, "fdopen")),
        *((Path, "rename"), (Path, "unlink")),
    ):
        patch.setattr(place, name, deadly(getattr(place, name)))
    return count


async def test_many_hands_at_once_send_it_once(kind: Kind, tmp_path: Path) -> None:
    batch = kind.batch()
    rails = [kind.rail(tmp_path) for _ in range(8)]
    gate, taken = threading.Barrier(len(rails)), []

    def hand(rail: Any) -> None:
        gate.wait()
        submit_here(rail, batch)
        taken.extend(path.name for path in (tmp_path / "out").iterdir())

    threads = [threading.Thread(target=hand, args=(rail,)) for rail in rails]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken_out(tmp_path)) == 1
    assert set(taken) == {f"{batch.batch_id}{'.xml' if kind.name == 'sepa' else '.ach'}"}


async def test_a_disk_that_fails_before_the_file_leaves_is_not_sent_and_after_it_is_sent(
    kind: Kind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch, rail = kind.batch(), kind.rail(tmp_path)

    def full(*_: Any, **__: Any) -> Any:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", full)
        told = await rail.submit(batch)
    assert {type(outcome) for outcome in told.values()} == {NotSent}
    assert taken_out(tmp_path) == {}
    told = await rail.submit(batch)
    assert {type(outcome) for outcome in told.values()} == {Submitted}
    assert len(taken_out(tmp_path)) == 1


async def test_another_batch_under_a_used_id_is_unknown_and_sends_nothing(
    kind: Kind, tmp_path: Path
) -> None:
    rail, batch = kind.rail(tmp_path), kind.batch(2)
    await rail.submit(batch)
    taken_out(tmp_path)
    told = await rail.submit(kind.batch(3))
    assert isinstance(told["payout-2"], Unknown)
    assert {type(told[name]) for name in ("payout-0", "payout-1")} == {Submitted}
    assert taken_out(tmp_path) == {}


def test_what_a_rail_can_never_send_is_said_in_a_sentence(kind: Kind, tmp_path: Path) -> None:
    rail, good = kind.rail(tmp_path), kind.instruction(1)
    assert rail.refusal(good) is None
    other = next(each for each in KINDS if each is not kind)
    wrong: list[Instruction] = [
        other.instruction(1),
        replaced(good, destination=ConnectedAccount("acct_1")),
        replaced(good, amount=other.instruction(1).amount),
        replaced(good, amount=type(good.amount)(0, good.amount.currency)),
        replaced(good, amount=type(good.amount)(10**12, good.amount.currency)),
        replaced(good, key="with space"),
        replaced(good, key="x" * 36),
        replaced(good, key=""),
    ]
    for instruction in wrong:
        assert (rail.refusal(instruction) or "").endswith("."), instruction


def replaced(instruction: Instruction, **fields: Any) -> Instruction:
    names = ("payout_id", "key", "amount", "destination", "statement_text", "seller_account")
    return Instruction(**{name: fields.get(name, getattr(instruction, name)) for name in names})


async def test_a_batch_that_breaks_the_contract_is_an_error_and_sends_nothing(
    kind: Kind, tmp_path: Path
) -> None:
    rail = kind.rail(tmp_path)
    for batch in (kind.batch(0), kind.batch(1, "../out"), kind.batch(1, "x" * 36)):
        with pytest.raises(ValueError, match=r"batch"):
            await rail.submit(batch)
    assert taken_out(tmp_path) == {}


def test_settings_that_cannot_be_are_refused_at_the_start(kind: Kind, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("no folder")
    for values in (
        {**kind.settings},
        {**kind.settings, "folder": str(file)},
        {**kind.settings, "folder": str(tmp_path), "no_such_setting": "x"},
        {**dict.fromkeys(kind.settings, "1"), "folder": str(tmp_path)},
    ):
        with pytest.raises(ConfigurationError):
            rail_registry.create(kind.name, RailConfig(values))


async def test_wrong_documents_are_put_aside_and_half_ones_left_alone(
    kind: Kind, tmp_path: Path
) -> None:
    rail = kind.rail(tmp_path)
    wrong = {
        "letter.txt": b"Dear customer",
        "evil.xml": b'<!DOCTYPE a [<!ENTITY b SYSTEM "/etc/passwd">]><Document>&b;</Document>',
        "ha.xml": b'<!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;">]><Document>&c;</Document>',
        "other.xml": b"<Document><FIToFICstmrCdtTrf/></Document>",
        "binary.dat": bytes(range(256)),
    }
    half = {"cut.xml" if kind.name == "sepa" else "cut.ach": b"", "being.part": b"<Docu"}
    for name, data in {**wrong, **half}.items():
        (tmp_path / "in" / name).write_bytes(data)
    assert await rail.news(None) == ([], None)
    aside = {
        path.name.partition("-")[2]: path.read_bytes() for path in (tmp_path / "aside").iterdir()
    }
    assert aside == wrong
    assert {path.name for path in (tmp_path / "in").iterdir()} == set(half)
