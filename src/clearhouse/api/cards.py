"""Finding card numbers, so that none is ever stored, logged, traced or echoed.

A card number is 13 to 19 digits that pass the Luhn check, written together or in groups
with spaces or dashes between them. Digits that touch a letter (``pm_1N4a…``, hexadecimal) are
part of a word, not of a card number, and a UUID is a word as a whole. A group of other digits
beside the number (an expiry, a security code) does not hide it: every run of whole groups
counts.

Groups must be such as people write (fours, or single digits, or American Express's 4-6-5);
otherwise the number must begin and be as long as the card networks' numbers are. Without that,
one in ten ids such as ``20261123-000123-01`` would be refused, for nothing.

What is left of that: an id of 13 to 19 digits in one piece that happens to pass the check is
refused too, which is one in ten of such ids. The reference documentation says so.
"""

import re
from collections.abc import Iterator
from typing import Final

_SEPARATOR: Final = r"[ \t\u00a0\u2007-\u200b\u202f\u2010-\u2015\u2212\ufe63\uff0d\u3000-]{1,3}"
_PLAIN: Final = re.compile(rb"[0-9](?:[ \t-]{0,3}[0-9]){12}")
"""Thirteen digits near each other: what plain text must hold to be worth a closer look."""
_GROUPS: Final = re.compile(rf"[^\W_]+(?:{_SEPARATOR}[^\W_]+)*")
_SPLIT: Final = re.compile(_SEPARATOR)
_UUID: Final = re.compile(
    r"(?<![0-9A-Za-z])[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?![0-9A-Za-z])",
    re.IGNORECASE,
)
_SHORTEST: Final = 13
_LONGEST: Final = 19
_LARGEST_REGULAR: Final = 5
_UNEVEN: Final = {(4, 6, 5), (4, 6, 4)}
"""How American Express and Diners Club print theirs."""
_NETWORK: Final = re.compile(
    r"""4(?:[0-9]{12}|[0-9]{15}|[0-9]{18})           # Visa
    |5[1-5][0-9]{14}                                 # Mastercard
    |2(?:22[1-9]|2[3-9][0-9]|[3-6][0-9]{2}|7[01][0-9]|720)[0-9]{12}
    |3[47][0-9]{13}                                  # American Express
    |3(?:0[0-5]|095|[689][0-9])[0-9]{11,16}          # Diners Club
    |(?:3528|3529|35[3-8][0-9])[0-9]{12,15}          # JCB
    |(?:50|5[6-9]|6[0-9])[0-9]{14,17}                # Discover, UnionPay, Maestro
    """,
    re.VERBOSE,
)
# What a digit adds when it is doubled.
_DOUBLED: Final = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def bytes_hold_card_number(data: bytes) -> bool:
    """Whether bytes hold a card number, as quickly as can be; no escapes are undone.

    Bytes that are not UTF-8 are looked at character by character all the same.
    """
    if data.isascii():
        return _PLAIN.search(data) is not None and holds_card_number(data.decode("ascii"))
    return holds_card_number(data.decode("utf-8", "replace"))


def holds_card_number(text: str) -> bool:
    """Whether text holds a card number; digits of every script count."""
    if text.isascii() and _PLAIN.search(text.encode("ascii")) is None:
        return False
    without_uuids = _UUID.sub("uuid", text)
    return any(
        _any_run_passes(run)
        for chain in _GROUPS.finditer(without_uuids)
        for run in _digit_groups(chain[0])
    )


def _digit_groups(chain: str) -> Iterator[list[str]]:
    """Runs of neighbouring groups that are digits only, as ASCII."""
    run: list[str] = []
    for group in _SPLIT.split(chain):
        if group.isdecimal():
            run.append("".join(str(int(digit)) for digit in group))
            continue
        if run:
            yield run
        run = []
    if run:
        yield run


def _any_run_passes(groups: list[str]) -> bool:
    """Whether a run of whole groups has the length of a card number and passes the Luhn check.

    The sums of both parities are kept for every prefix, so that a long text costs no more
    than its length.
    """
    edges, sums = [0], [(0, 0)]
    for group in groups:
        for digit in map(int, group):
            even, odd = sums[-1]
            at_even = len(sums) % 2
            sums.append(
                (even + digit, odd + _DOUBLED[digit])
                if at_even
                else (even + _DOUBLED[digit], odd + digit)
            )
        edges.append(len(sums) - 1)
    for place, start in enumerate(edges):
        for end in edges[place + 1 : place + 1 + _LONGEST]:
            if end - start > _LONGEST:
                break
            # The last digit is never doubled, and every second one before it is.
            parity = 0 if end % 2 else 1
            if (
                end - start >= _SHORTEST
                and (sums[end][parity] - sums[start][parity]) % 10 == 0
                and _is_written_as_card(groups[place : edges.index(end, place)])
            ):
                return True
    return False


def _is_written_as_card(groups: list[str]) -> bool:
    """Whether groups of digits are set as card numbers are, or begin as those of a network."""
    sizes = tuple(map(len, groups))
    first = sizes[0]
    regular = first <= _LARGEST_REGULAR and sizes[-1] <= first and {*sizes[:-1]} <= {first}
    if len(groups) == 1 or regular or sizes in _UNEVEN:
        return True
    return _NETWORK.fullmatch("".join(groups)) is not None
