"""What people read: output on stdout, complaints on stderr, live on a terminal, plain elsewhere."""

import sys
from typing import Final

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.theme import Theme

from clearhouse.kernel.money import format_minor

THEME: Final = Theme(
    {
        "good": "green",
        "warn": "yellow",
        "bad": "bold red",
        "quiet": "dim",
        "name": "cyan",
        "key": "bold",
    }
)

_WIDE: Final = 240
"""Columns where nobody looks: what is piped is not cut to a terminal that is not there."""

out: Final = Console(
    theme=THEME,
    highlight=False,
    # Names may hold colons: ``seller:tea:USD`` is an account, and no picture of a cup.
    emoji=False,
    width=None if sys.stdout.isatty() else _WIDE,
)
"""For what was asked for; never for logs or progress of a command whose output is piped."""

err: Final = Console(theme=THEME, highlight=False, emoji=False, stderr=True)
"""For complaints and progress."""


def complain(message: str, hint: str = "") -> None:
    """One clear line, and below it what to do; a hint of several lines keeps them."""
    err.print(f"[bad]Error:[/bad] {escape(message)}", soft_wrap=True)
    for line in hint.splitlines():
        err.print(f"  [quiet]{escape(line)}[/quiet]", soft_wrap=True)


def say(message: str, *, style: str = "") -> None:
    """One line of progress on stderr."""
    err.print(escape(message), style=style or None, soft_wrap=True)


def amount(minor: int, currency: str) -> str:
    """Minor units in major ones, with thousands separated: ``-1,234.50``."""
    whole, dot, fraction = format_minor(abs(minor), currency).partition(".")
    return f"{'-' if minor < 0 else ''}{int(whole):,}{dot}{fraction}"


def print_data(data: object) -> None:
    """Data as JSON on stdout, for scripts."""
    out.print_json(msgspec.json.encode(data).decode())
