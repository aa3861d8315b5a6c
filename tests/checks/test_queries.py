"""A query is asked for by its name, or by the name of its audit's rule, or it is in the way."""

from pathlib import Path

from checks import queries


def test_a_query_that_nobody_asks_for_is_named(tmp_path: Path) -> None:
    room = tmp_path / "src" / "room"
    room.mkdir(parents=True)
    (room / "queries.sql").write_text(
        "-- name: find\nselect 1\n\n-- name: forgotten\nselect 2\n\n"
        "-- name: entries_examined\nselect 3\n\n-- name: entries_offenders\nselect 4\n"
    )
    (room / "store.py").write_text('ROWS = QUERIES["find"]\nRULES = [rule("entries")]\n')
    assert queries.problems(tmp_path) == [
        "src/room/queries.sql: nobody asks for the query 'forgotten'"
    ]


def test_every_query_of_this_house_is_asked_for() -> None:
    assert queries.problems(Path(__file__).parents[2]) == []
