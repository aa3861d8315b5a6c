"""A batch as a NACHA file of 94-character records. Pure: the same batch, the same bytes.

Written here and not by the package ``achkit``, which numbers the entries of every file from one,
so that two files of a day would bear the same trace numbers. Its validation accepts what is
written here.
"""

from base64 import b32encode
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

from clearhouse.psp.banks.letters import plain
from clearhouse.psp.rails import Batch, Instruction, UsAccount, UsAccountKind

_CREDIT: Final = {UsAccountKind.CHECKING: "22", UsAccountKind.SAVINGS: "32"}
_CREDITS_ONLY: Final = "220"
_MODIFIERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_TRACES: Final = 10_000_000


@dataclass(frozen=True, slots=True)
class Originator:
    """The platform and its bank. ``company_id`` is what the bank gave; ``entry_class`` PPD or CCD.

    ``routing`` is the bank's own number, to which the file goes and whose trace numbers we use.
    """

    company_name: str
    company_id: str = field(repr=False)
    routing: str
    bank_name: str
    entry_class: str


def identity(key: str) -> str:
    """A key in the 15 characters that NACHA has for it: a hash, since a key is longer."""
    return b32encode(blake2b(key.encode(), digest_size=10).digest()).decode()[:15]


def render(batch: Batch, originator: Originator) -> bytes:
    """The file, with one batch in it, padded to blocks of ten records."""
    entries = sorted(_traced(batch, originator.routing), key=lambda each: each[0])
    total = sum(each.amount.minor for each in batch.instructions)
    routed = sum(int(_account(each).routing[:8]) for each in batch.instructions)
    count, hashed = len(entries), f"{routed % 10_000_000_000:010d}"
    sums = f"{0:012d}{total:012d}"
    records = [
        _file_header(batch, originator),
        _batch_header(batch, originator),
        *(_entry(instruction, trace) for trace, instruction in entries),
        (
            f"8{_CREDITS_ONLY}{count:06d}{hashed}{sums}{_left(originator.company_id, 10)}"
            f"{'':25}{originator.routing[:8]}{1:07d}"
        ),
    ]
    blocks = -(-(len(records) + 1) // 10)
    records.append(f"9{1:06d}{blocks:06d}{count:08d}{hashed}{sums}{'':39}")
    records += ["9" * 94] * (blocks * 10 - len(records))
    assert all(len(record) == 94 for record in records)
    return ("\n".join(records) + "\n").encode("ascii")


def _file_header(batch: Batch, originator: Originator) -> str:
    made = batch.created_at.strftime("%y%m%d%H%M")
    # Two files of one minute are told apart by one letter, so it is drawn from the batch's id.
    modifier = _MODIFIERS[blake2b(batch.batch_id.encode(), digest_size=1).digest()[0] % 36]
    return (
        f"101 {originator.routing} {originator.routing}{made}{modifier}094101"
        f"{_left(originator.bank_name, 23)}{_left(originator.company_name, 23)}{'':8}"
    )


def _batch_header(batch: Batch, originator: Originator) -> str:
    day = batch.execution_date.strftime("%y%m%d")
    return (
        f"5{_CREDITS_ONLY}{_left(originator.company_name, 16)}{'':20}"
        f"{_left(originator.company_id, 10)}{originator.entry_class}{_left('PAYOUT', 10)}{'':6}"
        f"{day}{'':3}1{originator.routing[:8]}{1:07d}"
    )


def _entry(instruction: Instruction, trace: str) -> str:
    account = _account(instruction)
    return (
        f"6{_CREDIT[account.kind]}{account.routing}{account.account:<17}"
        f"{instruction.amount.minor:010d}{identity(instruction.key)}"
        f"{_left(account.holder, 22)}{'':2}0{trace}"
    )


def _traced(batch: Batch, routing: str) -> list[tuple[str, Instruction]]:
    """Each instruction with its trace number: from its key, and the next free one on a clash."""
    taken: dict[int, Instruction] = {}
    for instruction in sorted(batch.instructions, key=lambda each: each.key):
        digest = blake2b(instruction.key.encode(), digest_size=8).digest()
        number = int.from_bytes(digest) % _TRACES
        while number in taken:
            number = (number + 1) % _TRACES
        taken[number] = instruction
    return [(f"{routing[:8]}{number:07d}", each) for number, each in taken.items()]


def _account(instruction: Instruction) -> UsAccount:
    assert isinstance(instruction.destination, UsAccount)
    return instruction.destination


def _left(text: str, width: int) -> str:
    return f"{plain(text, width):<{width}}"
