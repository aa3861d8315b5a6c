"""What a process that died in the midst of an upload leaves is cleared a day later."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from clearhouse.kernel.clock import SystemClock
from clearhouse.kernel.ids import Ids
from clearhouse.kernel.randomness import SeededRandomness
from clearhouse.reconciliation.uploads import clear_leftovers

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def test_an_upload_is_left_alone_for_a_day(tmp_path: Path) -> None:
    ids = Ids(SystemClock(), SeededRandomness(1))
    ages = [timedelta(minutes=5), timedelta(hours=23), timedelta(hours=25), timedelta(days=400)]
    places = [tmp_path / ids.at(NOON - age).hex for age in ages]
    for place in places:
        place.mkdir()
        (place / "report.csv").write_bytes(b"half a li")
    clear_leftovers(tmp_path, ids.at(NOON))
    assert sorted(tmp_path.iterdir()) == sorted(places[:2])


def test_nothing_need_be_there(tmp_path: Path) -> None:
    clear_leftovers(tmp_path / "never made", Ids(SystemClock(), SeededRandomness(1)).new())
