"""How far a command of several steps is: a bar on a terminal, nothing elsewhere."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from clearhouse.cli.console import err, out


class Steps:
    """A bar of steps, with what is being done and how many lines of it are.

    More steps may turn up on the way: a file says only when it was read which days it speaks of.
    """

    def __init__(self, console: Console = err) -> None:
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
            # Lines on a terminal go above the bar; those for a pipe go to the pipe.
            redirect_stdout=out.is_terminal,
        )
        self._task = self._bar.add_task("Beginning", total=0)
        self._expected = 0
        self._begun = 0
        self._doing = ""

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def expect(self, steps: int) -> None:
        """So many more steps are to come."""
        self._expected += steps
        self._bar.update(self._task, total=self._expected)

    def begin(self, doing: str) -> None:
        """A step begins, and the one before is done."""
        self._begun += 1
        self._doing = escape(doing)
        self._bar.update(self._task, completed=self._begun - 1, description=self._doing)

    def lines(self, count: int) -> None:
        """So many lines of the step are done."""
        self._bar.update(self._task, description=f"{self._doing}: {count:,} lines")
