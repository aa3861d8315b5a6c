"""What a tester can make a PSP do by hand: decide a review, lose a dispute, fail a refund."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Action:
    """One button: ``offered`` says whether it makes sense for an object now, ``run`` does it.

    Both take the caller's account at the PSP and the object's id. ``run`` is called within
    ``truth.transaction()`` and raises ValueError, with a sentence, when it cannot be done.
    """

    psp: str
    name: str
    label: str
    offered: Callable[[str, str], bool]
    run: Callable[[str, str], None]


class Actions:
    """All actions of all rooms; rooms offer theirs when their routes are made."""

    def __init__(self) -> None:
        self._actions: dict[tuple[str, str], Action] = {}

    def offer(self, action: Action) -> None:
        """Add an action; its name is unique within its PSP."""
        self._actions[action.psp, action.name] = action

    def offered(self, psp: str, account: str, identifier: str) -> list[Action]:
        """The actions that make sense for an object now."""
        return [
            action
            for action in self._actions.values()
            if action.psp == psp and action.offered(account, identifier)
        ]

    def find(self, psp: str, name: str) -> Action | None:
        """One action by its name, or None."""
        return self._actions.get((psp, name))
