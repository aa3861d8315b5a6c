"""Small pure helpers for showing figures: percentiles, sparklines, amounts."""

from collections.abc import Sequence
from typing import Final

_BARS: Final = "▁▂▃▄▅▆▇█"


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which ``share`` (0 to 1) of the values lie; 0 of none."""
    if not values:
        return 0.0
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def sparkline(values: Sequence[float], width: int) -> str:
    """The last ``width`` values as a line of bars, the highest full, none of them empty."""
    shown = list(values)[-width:]
    highest = max(shown, default=0.0)
    if highest <= 0:
        return _BARS[0] * len(shown)
    return "".join(_BARS[round(value / highest * (len(_BARS) - 1))] for value in shown)


def duration(seconds: float) -> str:
    """Seconds for people: ``850 µs``, ``3.2 ms``, ``48 ms``, ``1.4 s``."""
    if seconds < 0.001:
        return f"{seconds * 1e6:.0f} µs"
    if seconds < 0.01:
        return f"{seconds * 1e3:.1f} ms"
    if seconds < 1:
        return f"{seconds * 1e3:.0f} ms"
    return f"{seconds:.1f} s"


def shares(counts: Sequence[int], width: int) -> list[int]:
    """``width`` split in proportion to counts; every count above 0 gets 1 at least.

    ``width`` must not be less than the number of counts.
    """
    total = sum(counts)
    if total == 0:
        return [0] * len(counts)
    split = [max(1, count * width // total) if count else 0 for count in counts]
    while (over := sum(split) - width) != 0:
        # What is too much goes off the widest, where one step is seen least.
        split[split.index(max(split))] -= 1 if over > 0 else over
    return split
