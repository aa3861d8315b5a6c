"""Faults being gathered: JSON pointers (RFC 6901) that never carry what must not be echoed."""

from collections.abc import Sequence
from typing import Final

from clearhouse.kernel.errors import Fault

MOST_FAULTS: Final = 1_000
"""No honest request has more; beyond it the answer would outgrow the question."""
_LONGEST_NAME: Final = 64


class Faults:
    """A growing list of faults, without repetitions."""

    def __init__(self) -> None:
        self.found: list[Fault] = []

    def add(self, pointer: str, code: str, detail: str) -> None:
        """Note a fault; ``detail`` is a fixed text and never holds a value of the request."""
        if len(self.found) < MOST_FAULTS:
            self.found.append(Fault(pointer, code, detail))

    def __bool__(self) -> bool:
        return bool(self.found)


def pointer_to(path: Sequence[str | int]) -> str:
    """The JSON pointer of a path; stops before a member whose name is no readable word."""
    pointer = ""
    for step in path:
        name = str(step)
        if len(name) > _LONGEST_NAME or not name.isprintable():
            break
        pointer += "/" + name.replace("~", "~0").replace("/", "~1")
    return pointer
