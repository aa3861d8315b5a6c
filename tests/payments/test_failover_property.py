"""Any sequence of answers, lost ones and dead executors: an order is charged at most once.

The PSP here is worse than any that there is: it is too busy to look whether it knows a key, and it
refuses a token for being used up by a charge whose answer was lost.
"""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.payments.rooms import POLICY
from tests.payments.test_failover import (
    BUSY,
    LOST,
    PRICE,
    PSPS,
    REJECTED,
    STOLEN,
    USED_UP,
    unproven,
)

from clearhouse.kernel.money import Money
from clearhouse.payments import lifecycle
from clearhouse.payments.lifecycle import BEGINNING, Effect, OrderState, apply
from clearhouse.payments.model import FINAL, OrderStatus, StatusReason
from clearhouse.payments.patience import UNDECIDED
from clearhouse.psp.contract import NotCharged, Pending, PendingReason, PspOutcome, Succeeded

CHARGING = ("paid", "charged and lost", "charged and dead")
STEPS = (*CHARGING, "busy", "lost", "dead", "rejected", "used up", "stolen", "pending", "looked up")


@dataclass
class Story:
    """One order on its way over its PSPs, with what the PSPs really did."""

    reason: StatusReason | None = None
    left: list[str] = field(default_factory=lambda: [*PSPS[1:]])
    charged: set[int] = field(default_factory=set[int])
    """The attempts that were charged."""
    attempt: int = 1
    calls: int = 0
    answers: int = 0
    is_final: bool = False

    def step(self, word: str) -> None:
        """One call and what it led to."""
        self.calls += 1
        if word in CHARGING:
            self.charged.add(self.attempt)
        if "dead" in word:
            return
        outcome = self.answer(word)
        order = OrderState(
            OrderStatus.EXECUTING,
            self.reason,
            PRICE,
            self.calls,
            key_expired=word == "looked up",
            elsewhere=bool(self.left),
            all_answered=self.calls - self.answers == 1,
        )
        after = apply(order, outcome, POLICY, 0.5)
        self.answers += 1
        self.reason, self.is_final = after.reason, after.status in FINAL
        if after.effect in BEGINNING:
            assert self.attempt not in self.charged, "moved on from a charge"
            self.attempt, self.calls, self.answers = self.attempt + 1, 0, 0
            if after.effect is Effect.FAIL_OVER:
                self.left.pop(0)

    def answer(self, word: str) -> PspOutcome:
        paid = Succeeded(f"ch_{self.attempt}", Money(PRICE.minor, PRICE.currency))
        is_charged = self.attempt in self.charged
        match word:
            case "paid":
                return paid
            case "lost" | "charged and lost":
                return LOST
            case "used up" if self.reason not in UNDECIDED:
                return USED_UP
            case "looked up":
                return paid if is_charged else NotCharged("not found")
            case "rejected" | "stolen" | "pending" if is_charged:
                return paid
            case "rejected":
                return REJECTED
            case "stolen":
                return STOLEN
            case "pending":
                return Pending(PendingReason.PROCESSING, f"ch_{self.attempt}")
            case _:
                return BUSY


def told(words: list[str]) -> Story:
    story = Story()
    for word in words:
        if not story.is_final:
            story.step(word)
    return story


@given(st.lists(st.sampled_from(STEPS), max_size=40))
def test_no_story_has_two_charges(words: list[str]) -> None:
    assert len(told(words).charged) <= 1


@pytest.mark.parametrize(
    ("words", "attempt", "left"),
    [
        (["rejected"], 2, ["braintree"]),
        (["busy", "busy"], 2, ["braintree"]),
        (["busy", "busy", "rejected"], 3, []),
        (["lost", "busy", "busy", "busy"], 1, ["square", "braintree"]),
        (["dead", "busy", "busy", "busy"], 1, ["square", "braintree"]),
        (["lost", "looked up"], 2, ["braintree"]),
        (["pending", "busy", "looked up"], 1, ["square", "braintree"]),
    ],
)
def test_where_a_story_leads(words: list[str], attempt: int, left: list[str]) -> None:
    story = told(words)
    assert (story.attempt, story.left) == (attempt, left)


@pytest.mark.parametrize("words", [["charged and lost", "busy"], ["charged and dead", "busy"]])
def test_a_planted_failover_from_the_unknown_is_caught(
    words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert told(words).attempt == 1
    monkeypatch.setattr(lifecycle, "_leaves", unproven)
    with pytest.raises(AssertionError, match="moved on"):
        told(words)
