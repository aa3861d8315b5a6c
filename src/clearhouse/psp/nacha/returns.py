"""What an American bank sends back: returns (addenda 99) and notifications of change (98). Pure.

A return repeats the entry that comes back, with the code in the addenda after it. An entry is
found by its individual id number, which is ours and stays with it.
"""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Final

from clearhouse.kernel.money import Money
from clearhouse.psp.banks.inbox import HalfWritten, WrongDocument
from clearhouse.psp.nacha.reasons import reason
from clearhouse.psp.rails import Corrected, PayoutNews, Returned

_FILLER: Final = "9" * 94
_TYPES: Final = frozenset("156789")
_RETURN: Final = re.compile(r"R[0-9]{2}", re.ASCII)
_CHANGE: Final = re.compile(r"C[0-9]{2}", re.ASCII)

KeyOf = Callable[[str], str | None]
"""The key behind an individual id number; None for one that is not ours."""


def read(data: bytes, name: str, key_of: KeyOf) -> list[PayoutNews]:
    """A file's news; entries that are not ours say nothing. Raises HalfWritten, WrongDocument."""
    records = _records(data)
    try:
        at = datetime.strptime(records[0][23:29], "%y%m%d").replace(tzinfo=UTC)
        return list(_news(records, name, at, key_of))
    except ValueError as error:
        raise WrongDocument(f"it does not say what NACHA says it would ({error})") from None


def _records(data: bytes) -> list[str]:
    try:
        text = data.decode("ascii")
    except UnicodeDecodeError:
        raise WrongDocument("it holds letters that NACHA does not have") from None
    records = [line.rstrip("\r") for line in text.split("\n")]
    records = [record for record in records if record.strip()]
    if not records or not records[0].startswith("101"):
        raise HalfWritten if not records else WrongDocument("it does not begin as a NACHA file")
    ended = any(r[0] == "9" and r != _FILLER and len(r) == 94 for r in records)
    if not ended:
        raise HalfWritten
    for number, record in enumerate(records, 1):
        if len(record) != 94 or record[0] not in _TYPES:
            raise WrongDocument(f"record {number} is none of NACHA's")
    return records


def _news(records: list[str], name: str, at: datetime, key_of: KeyOf) -> Iterator[PayoutNews]:
    entry = ""
    for record in records:
        if record[0] == "6":
            entry = record
        if record[0] != "7" or record[1:3] not in {"98", "99"} or not entry:
            continue
        key = key_of(entry[39:54].strip())
        if key is None:
            continue
        code = record[3:6]
        if record[1:3] == "99":
            if not _RETURN.fullmatch(code):
                raise WrongDocument("a return in it has no reason")
            amount = Money(int(entry[29:39]), "USD")
            yield PayoutNews(key, Returned(reason(code), code, at), name, amount)
        elif _CHANGE.fullmatch(code):
            # The entry of a notification of change has no amount: nothing moves.
            yield PayoutNews(key, Corrected(code, record[35:64].strip()), name)
        else:
            raise WrongDocument("a notification of change in it has no code")
