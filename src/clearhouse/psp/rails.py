"""What a rail promises: the way a payout takes to a seller, and one kind of answer for all.

A *rail* takes a batch of instructions to whoever moves the money: a PSP's API, or a bank that
reads files. The answer of a call, a look-up, a webhook and a bank's file are four ways to learn
one fact, so all of them become a PayoutOutcome.

The outcomes, drawn as text::

    PayoutOutcome
    ├── Submitted   it is on its way; the bank or PSP tells, or can be asked
    ├── PaidOut     the seller's account was credited, as far as anybody can know
    ├── Failed      a definite no, also one after PaidOut: the money is with the platform again
    ├── Returned    it had left and came back: the money is with the platform again
    ├── NotSent     proven: nothing left; the same batch may be submitted again
    └── Unknown     the answer was lost; nobody knows whether it was sent

What is Unknown is asked about (``inquire``), or the SAME batch is submitted again under the same
identity, which every rail makes harmless. It is never sent under a new identity: an instruction
keeps its ``key`` and its batch for ever, and a new payout exists only once the old one is Failed
or Returned. A rail never raises for what a bank or PSP does; only a programming error raises.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol

from clearhouse.kernel.clock import Clock, SystemClock
from clearhouse.kernel.money import Money
from clearhouse.psp.contract import PspConfig, Unknown


@dataclass(frozen=True, slots=True)
class BankAccount:
    """An account by IBAN; ``bic`` may be empty where the IBAN says enough (in SEPA it does)."""

    iban: str = field(repr=False)
    bic: str
    holder: str


class UsAccountKind(StrEnum):
    """The kinds of accounts that the American clearing house tells apart."""

    CHECKING = "checking"
    SAVINGS = "savings"


@dataclass(frozen=True, slots=True)
class UsAccount:
    """An American account: a routing number of nine digits and an account number."""

    routing: str
    account: str = field(repr=False)
    holder: str
    kind: UsAccountKind = UsAccountKind.CHECKING


@dataclass(frozen=True, slots=True)
class ConnectedAccount:
    """A seller's own account at a PSP (Stripe Connect: ``acct_...``)."""

    psp_account: str


Destination = BankAccount | UsAccount | ConnectedAccount


@dataclass(frozen=True, slots=True)
class Instruction:
    """One payout to send; the same values with the same key whenever it is repeated.

    ``payout_id`` is ours. ``key`` identifies it with the bank or PSP for ever, is unique among
    all payouts and fits every rail: 1 to 35 characters, letters, digits and hyphens (a UUID's 32
    digits do). ``statement_text`` is what the seller may read on their statement.
    """

    payout_id: str
    key: str
    amount: Money
    destination: Destination
    statement_text: str
    seller_account: str


@dataclass(frozen=True, slots=True)
class Batch:
    """What is submitted together. The same batch always makes the same bytes.

    ``batch_id`` is 1 to 35 letters, digits and hyphens, unique for ever: a bank refuses a second
    file that bears it. ``created_at`` (UTC) stands in the file, so it is stored and never taken
    anew; ``execution_date`` is the day on which the bank shall pay. All instructions are of one
    currency, and none has a ``refusal``.
    """

    batch_id: str
    created_at: datetime
    execution_date: date
    instructions: tuple[Instruction, ...]


class FailureReason(StrEnum):
    """Why a payout did not reach the seller, in words that mean the same for all rails."""

    ACCOUNT_CLOSED = "account_closed"
    ACCOUNT_BLOCKED = "account_blocked"
    ACCOUNT_INVALID = "account_invalid"
    """No such account, or a number that cannot be one."""
    HOLDER_MISMATCH = "holder_mismatch"
    """The name or person is not the account's."""
    NOT_ALLOWED = "not_allowed"
    """The account or its bank does not take such payments."""
    BANK_UNKNOWN = "bank_unknown"
    """No such bank, or one that cannot be reached this way."""
    INSUFFICIENT_FUNDS = "insufficient_funds"
    """The platform's own account does not cover it."""
    LIMIT_EXCEEDED = "limit_exceeded"
    CURRENCY_NOT_SUPPORTED = "currency_not_supported"
    DUPLICATE = "duplicate"
    """The bank took it for a repetition; a person must look, since the first may have been paid."""
    REFUSED_BY_HOLDER = "refused_by_holder"
    REGULATORY = "regulatory"
    """Forbidden by law, or the holder has died."""
    CANCELLED = "cancelled"
    """Taken back by us, or on our wish, before it was paid."""
    REJECTED_BY_RAIL = "rejected_by_rail"
    """The bank or PSP refused the request itself; seen by operators."""
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Submitted:
    """On its way. ``reference`` is the bank's or PSP's, or the name of the file it stands in."""

    reference: str


@dataclass(frozen=True, slots=True)
class PaidOut:
    """The money has left for the seller's account; ``at`` (UTC) is when, as the bank says."""

    reference: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Failed:
    """A definite no. ``code`` is the bank's or PSP's own word, for people; never branch on it."""

    reason: FailureReason
    code: str


@dataclass(frozen=True, slots=True)
class Returned:
    """It had left and came back at ``at`` (UTC); ``code`` is the bank's own word for why."""

    reason: FailureReason
    code: str
    at: datetime


@dataclass(frozen=True, slots=True)
class NotSent:
    """Proven that nothing left; the same batch may be submitted again. ``detail`` is for people."""

    detail: str


PayoutOutcome = Submitted | PaidOut | Failed | Returned | NotSent | Unknown


@dataclass(frozen=True, slots=True)
class Corrected:
    """The bank paid, and tells what should stand in the next instruction (NACHA's NOC, C01...).

    ``correction`` is what it says, for the people who may change a seller's bank details; it can
    hold an account number and is never logged.
    """

    code: str
    correction: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class PayoutNews:
    """What a bank or PSP tells about one payout, found by the ``key`` of its instruction.

    ``amount`` is what it says it moved, to be compared with ours; None where it tells none.
    ``source`` names the file or event it stood in, for people.
    """

    key: str
    outcome: PayoutOutcome | Corrected
    source: str
    amount: Money | None = None


@dataclass(frozen=True, slots=True)
class RailConfig:
    """What a rail is made from: its own settings, and its PSP's where it rides on one."""

    values: Mapping[str, str] = field(repr=False)
    psp: PspConfig | None = None
    clock: Clock = field(default_factory=SystemClock)


class Rail(Protocol):
    """One way to pay sellers. One object belongs to one event loop."""

    @property
    def name(self) -> str:
        """The stable lower-case word: its folder's name."""
        ...

    @property
    def max_batch(self) -> int:
        """The most instructions in one batch."""
        ...

    def refusal(self, instruction: Instruction) -> str | None:
        """Why this rail can never send it, in one sentence for people; None where it can."""
        ...

    async def submit(self, batch: Batch) -> Mapping[str, PayoutOutcome]:
        """Send a batch, and the same again without harm; an outcome for each ``payout_id``.

        NotSent speaks of the whole history of the batch: nothing of it ever left.
        """
        ...

    async def inquire(self, batch: Batch) -> Mapping[str, PayoutOutcome]:
        """What became of a batch, by ``payout_id``; only reads.

        A bank that is told by files answers in files: then Submitted says no more than that the
        file was handed over, and ``news`` brings the rest. Where a bank never says that it paid
        (NACHA), PaidOut comes from here alone, some days after the execution date. It never undoes
        a Returned or Failed that is known.
        """
        ...

    async def news(self, cursor: str | None) -> tuple[Sequence[PayoutNews], str | None]:
        """What was learnt since ``cursor``, and the next cursor, to be stored with its effects.

        The same news may come again after a crash, and are to change nothing then; and in any
        order: what says less than what is known (Submitted after PaidOut, PaidOut after Returned)
        changes nothing either. A key that is not ours may be among them. A call with
        a cursor is the proof that all before it was stored. An unchanged cursor: nothing new.
        """
        ...

    async def close(self) -> None:
        """Give back connections; called once, at shutdown."""
        ...
