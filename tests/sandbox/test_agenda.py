"""A clock that can be moved, and what the PSPs do when their time has come."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.sandbox.world import HandClock

from clearhouse.sandbox.actions import Action
from clearhouse.sandbox.core import Core
from clearhouse.sandbox.server import open_core
from clearhouse.sandbox.truth import Dispute, Refund


def note(core: Core, kind: str, seconds: float, **payload: Any) -> None:
    with core.truth.transaction():
        core.agenda.later(kind, seconds, payload)


def test_what_is_due_is_done_at_its_own_time_and_in_order() -> None:
    core = open_core(clock=HandClock())
    start, done = core.clock.now(), list[tuple[str, timedelta]]()

    def settle(payload: dict[str, Any]) -> None:
        done.append((payload["id"], core.clock.now() - start))
        if payload["id"] == "first":
            core.agenda.later("x.settles", 3600, {"id": "follows"})

    core.agenda.on("x.settles", settle)
    note(core, "x.settles", 7200, id="last")
    note(core, "x.settles", 60, id="first")
    note(core, "x.settles", 86_400, id="tomorrow")
    assert core.agenda.run_due() == 0
    core.clock.advance(timedelta(hours=3))
    assert core.agenda.run_due() == 3
    assert done == [
        ("first", timedelta(minutes=1)),
        ("follows", timedelta(hours=1, minutes=1)),
        ("last", timedelta(hours=2)),
    ]
    assert [one["payload"]["id"] for one in core.agenda.waiting()] == ["tomorrow"]
    assert core.clock.now() - start == timedelta(hours=3)


def test_an_entry_that_fails_is_kept_and_stops_no_other() -> None:
    core, done = open_core(), list[str]()

    def breaks(_: dict[str, Any]) -> None:
        core.agenda.later("x.works", 0, {"id": "of a work that failed"})
        raise KeyError("missing")

    core.agenda.on("x.breaks", breaks)
    core.agenda.on("x.works", lambda payload: done.append(payload["id"]))
    note(core, "x.breaks", 0)
    note(core, "x.unknown", 0)
    note(core, "x.works", 0, id="one")
    assert [core.agenda.run_due(), core.agenda.run_due()] == [1, 0]
    assert done == ["one"]
    assert [one["kind"] for one in core.agenda.waiting()] == ["x.breaks", "x.unknown"]


def test_clock_and_agenda_survive_a_restart(tmp_path: Path) -> None:
    core = open_core(tmp_path / "truth.sqlite3", clock=HandClock())
    core.clock.advance(timedelta(days=5))
    note(core, "x.settles", 60, id="kept")
    core.truth.close()
    again = open_core(tmp_path / "truth.sqlite3", clock=HandClock())
    assert again.clock.now() == datetime(2026, 5, 9, 12, tzinfo=UTC)
    assert [one["kind"] for one in again.agenda.waiting()] == ["x.settles"]
    with pytest.raises(ValueError, match="never goes back"):
        again.clock.advance(timedelta(seconds=-1))


def test_actions_are_offered_where_they_make_sense() -> None:
    core, done = open_core(), list[str]()
    core.actions.offer(
        Action(
            "stripe", "win", "Win the dispute",
            lambda _, identifier: identifier.startswith("dp_"), lambda _, one: done.append(one),
        )
    )  # fmt: skip
    assert core.actions.offered("stripe", "a", "ch_1") == []
    [action] = core.actions.offered("stripe", "a", "dp_1")
    action.run("a", "dp_1")
    assert (core.actions.find("stripe", "win"), done) == (action, ["dp_1"])
    assert core.actions.find("square", "win") is None


def test_refunds_and_disputes_are_part_of_the_truth() -> None:
    core = open_core()
    refund = Refund("stripe", "a", "re_1", "ch_1", "r-1", 500, "USD", "pending", 1, 1)
    dispute = Dispute("stripe", "a", "dp_1", "ch_1", 500, "USD", "open", 1, 1)
    with core.truth.transaction():
        core.truth.record_refund(refund)
        core.truth.record_dispute(dispute)
        core.truth.record_refund(
            Refund("stripe", "a", "re_1", "ch_1", "r-1", 500, "USD", "failed", 9, 9)
        )
    [found] = core.truth.refunds("stripe", "ch_1")
    assert (found.status, found.created_at, found.updated_at) == ("failed", 1, 9)
    assert core.truth.disputes("stripe") == [dispute]
    assert core.truth.disputes("square") == core.truth.refunds("stripe", "ch_2") == []
    core.truth.clear()
    assert core.truth.refunds() == core.truth.disputes() == []
