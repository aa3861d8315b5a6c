"""The store of the truth: transactions, pages, marks and cursors."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearhouse.sandbox.idempotency import Answer, Answers, Scope
from clearhouse.sandbox.objects import Objects, Shelf
from clearhouse.sandbox.truth import Charge, Truth

SHELF = Shelf("stripe", "acct", "payment_intent")


def _charge(number: int, **changes) -> Charge:
    values = {
        "psp": "stripe",
        "account": "acct",
        "psp_id": f"pi_{number}",
        "reference": f"o{number}",
        "idempotency_key": f"k{number}",
        "amount_minor": 100,
        "currency": "USD",
        "payment_method": "pm_card_visa",
        "status": "succeeded",
        "created_at": number,
        "updated_at": number,
    }
    return Charge(**{**values, **changes})


def test_a_transaction_is_all_or_nothing(tmp_path: Path):
    truth = Truth(tmp_path / "truth.sqlite")
    objects, answers = Objects(truth), Answers(truth)
    scope = Scope("stripe", "acct", "k1")
    with pytest.raises(RuntimeError), truth.transaction():
        truth.record(_charge(1))
        objects.put(SHELF, "pi_1", {"id": "pi_1"}, created_at=1, marks={"a": "b"})
        answers.keep(scope, Answer("f", 200, [], b"{}", 1))
        raise RuntimeError
    assert truth.charges() == ([], None)
    assert objects.get(SHELF, "pi_1") is None
    assert answers.recall(scope) is None
    truth.close()


def test_a_charge_changes_its_status_and_keeps_its_birth():
    truth = Truth()
    truth.record(_charge(1, status="authorized"))
    truth.record(_charge(1, created_at=9, updated_at=9, idempotency_key=None, payment_method=None))
    [charge], _ = truth.charges()
    assert (charge.status, charge.created_at, charge.updated_at) == ("succeeded", 1, 9)
    assert (charge.idempotency_key, charge.payment_method) == ("k1", "pm_card_visa")


def test_pages_cover_everything_once():
    truth = Truth()
    for number in range(25):
        truth.record(_charge(number, psp="square" if number % 2 else "stripe"))
    seen, after = [], 0
    while after is not None:
        page, after = truth.charges("square", after=after, limit=4)
        seen += [charge.psp_id for charge in page]
    assert seen == [f"pi_{number}" for number in range(1, 25, 2)]
    assert truth.summary() == [
        {
            "psp": psp,
            "currency": "USD",
            "status": "succeeded",
            "count": count,
            "amount_minor": count * 100,
        }
        for psp, count in (("square", 12), ("stripe", 13))
    ]


def test_marks_follow_the_object():
    objects = Objects(Truth())
    objects.put(SHELF, "pi_1", {"v": 1}, created_at=1, marks={"order": "a", "shop": "x"})
    objects.put(SHELF, "pi_2", {"v": 2}, created_at=2, marks={"order": "a", "shop": "y"})
    both = objects.find(SHELF, marks={"order": "a"})
    assert [found.body["v"] for found in both] == [2, 1]
    assert [
        found.body["v"] for found in objects.find(SHELF, marks={"order": "a", "shop": "x"})
    ] == [1]
    objects.put(SHELF, "pi_1", {"v": 3}, created_at=5, marks={"order": "b"})
    assert [found.body["v"] for found in objects.find(SHELF, marks={"order": "a"})] == [2]
    assert [found.body["v"] for found in objects.find(SHELF, marks={"order": "b"})] == [3]
    objects.put(SHELF, "pi_1", {"v": 4}, created_at=5)
    assert [found.body["v"] for found in objects.find(SHELF, marks={"order": "b"})] == [4]
    assert objects.find(SHELF, marks={"order": "b"}, created_from=2) == []


@given(
    count=st.integers(0, 12),
    limit=st.integers(1, 5),
    newest_first=st.booleans(),
)
def test_cursors_walk_everything_in_order(count: int, limit: int, newest_first: bool):
    objects = Objects(Truth())
    for number in range(count):
        objects.put(SHELF, f"pi_{number}", {"n": number}, created_at=number)
    objects.put(Shelf("stripe", "other", "payment_intent"), "pi_x", {"n": -1}, created_at=0)
    seen: list[int] = []
    place = None
    while True:
        page = objects.find(
            SHELF,
            before=place if newest_first else None,
            after=None if newest_first else place,
            limit=limit,
            newest_first=newest_first,
        )
        if not page:
            break
        seen += [found.body["n"] for found in page]
        place = page[-1].seq
    assert seen == (list(range(count))[::-1] if newest_first else list(range(count)))


def test_a_key_is_known_by_its_whole_scope():
    truth = Truth()
    answers = Answers(truth)
    answer = Answer("print", 402, [("a", "b")], b"body", 7)
    with truth.transaction():
        answers.keep(Scope("stripe", "acct", "k"), answer)
    assert answers.recall(Scope("stripe", "acct", "k")) == answer
    for other in (("square", "acct", "k"), ("stripe", "b", "k"), ("stripe", "acct", "K")):
        assert answers.recall(Scope(*other)) is None


def test_clear_forgets_everything():
    truth = Truth()
    truth.record(_charge(1))
    Objects(truth).put(SHELF, "pi_1", {}, created_at=1, marks={"a": "b"})
    truth.clear()
    assert truth.charges() == ([], None)
    assert Objects(truth).find(SHELF) == []
