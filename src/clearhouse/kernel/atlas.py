"""Lifecycles drawn as Markdown tables and Mermaid diagrams, from arrows that the code computes.

Why computed: a diagram that somebody drew shows what was meant once. An *atlas* of a room asks the
room's pure function what becomes of each place, hands the arrows over, and the build fails when the
documentation differs from what comes out.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """Where something can be: a status, with a reason beside it where there is one."""

    status: str
    reason: str | None = None

    @property
    def node(self) -> str:
        """Its name in a diagram."""
        return f"{self.status}_{self.reason}" if self.reason else self.status

    @property
    def title(self) -> str:
        """Its name in tables."""
        return f"`{self.status}` `{self.reason}`" if self.reason else f"`{self.status}`"


@dataclass(frozen=True, slots=True)
class Arrow:
    """What one fact, told in words, does in one place; ``follows`` says what happens then."""

    before: Place
    words: str
    after: Place
    follows: str

    @property
    def stays(self) -> bool:
        """Whether it leads nowhere else."""
        return self.before == self.after


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def arrows_table(arrows: Sequence[Arrow], places: Sequence[Place]) -> str:
    """Every arrow: what is learnt, where it is, what it becomes, and what follows.

    ``places`` are all there are, so that a status is named alone where all of it is meant.
    """
    groups: dict[tuple[str, str, str], list[Place]] = {}
    for arrow in arrows:
        goal = "stays" if arrow.stays else arrow.after.title
        groups.setdefault((arrow.words, goal, arrow.follows), []).append(arrow.before)
    rows = [
        (words, named(befores, places), goal, follows)
        for (words, goal, follows), befores in groups.items()
    ]
    return table(("learnt", "in", "becomes", "what follows"), rows)


def named(places: Sequence[Place], every: Sequence[Place]) -> str:
    """Places in few words."""
    words: list[str] = []
    for status in dict.fromkeys(place.status for place in every):
        mine = [place for place in places if place.status == status]
        all_of_it = [place for place in every if place.status == status]
        if mine and len(mine) == len(all_of_it):
            words.append(f"any `{status}`" if len(mine) > 1 else f"`{status}`")
        elif mine:
            words.append(f"`{status}`: " + ", ".join(_reason(place) for place in mine))
    return "; ".join(words)


def _reason(place: Place) -> str:
    return f"`{place.reason}`" if place.reason else "without a reason"


def diagram(
    arrows: Sequence[Arrow], start: Place, ends: Iterable[Place], name: Callable[[Place], str]
) -> str:
    """A Mermaid state diagram of the arrows that lead on; ``name`` folds places into nodes."""
    found: dict[tuple[str, str], list[str]] = {}
    for arrow in arrows:
        between = (name(arrow.before), name(arrow.after))
        words = found.setdefault(between, [])
        if between[0] != between[1] and arrow.words not in words:
            words.append(arrow.words)
    lines = ["stateDiagram-v2", f"    [*] --> {name(start)}"]
    lines += [f"    {a} --> {b}: {', '.join(words)}" for (a, b), words in found.items() if words]
    lines += [f"    {node} --> [*]" for node in dict.fromkeys(name(place) for place in ends)]
    return "\n".join(["```mermaid", *lines, "```"])
