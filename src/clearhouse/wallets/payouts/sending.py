"""When a batch is sent, when it is asked about, and when nobody has to ask any more: pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from clearhouse.wallets.payouts.model import Payout, PayoutStatus, SendingReason


class Call(StrEnum):
    """What is asked of a rail."""

    SUBMIT = "submit"
    INQUIRE = "inquire"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long is waited before a rail is asked again.

    ``first`` doubles up to ``longest`` while nobody knows whether something was sent. ``poll`` is
    for what is on its way. What was paid is asked about every ``look_back`` until it is older than
    ``watch``, since a PSP takes back within days.
    """

    first: timedelta = timedelta(seconds=5)
    longest: timedelta = timedelta(hours=1)
    poll: timedelta = timedelta(minutes=15)
    look_back: timedelta = timedelta(hours=6)
    watch: timedelta = timedelta(days=8)


_IN_DOUBT = frozenset(
    {SendingReason.SENDING, SendingReason.NOT_SENT, SendingReason.UNKNOWN_OUTCOME}
)


def next_call(members: Collection[Payout], last_call: Call | None) -> Call:
    """What the rail is asked next about a batch's payouts.

    A batch whose answer is lost is asked about first, and sent again only after that, under its
    one identity, which every rail makes harmless.
    """
    reasons = {one.reason for one in members if one.status is PayoutStatus.SUBMITTED}
    if SendingReason.NOT_SENT in reasons:
        return Call.SUBMIT
    if reasons.isdisjoint(_IN_DOUBT):
        return Call.INQUIRE
    return Call.INQUIRE if last_call is Call.SUBMIT else Call.SUBMIT


def concerned(members: Sequence[Payout], call: Call) -> list[Payout]:
    """The payouts of a batch that a call is about.

    Only what is not decided is ever sent again: what failed has been given back, and would
    otherwise be paid for nothing. What was paid may have come back, so it is asked about.
    """
    wanted = {PayoutStatus.SUBMITTED}
    if call is Call.INQUIRE:
        wanted.add(PayoutStatus.PAID)
    return [one for one in members if one.status in wanted]


def next_wait(
    members: Collection[Payout], tries: int, moment: datetime, patience: Patience
) -> timedelta | None:
    """How long to wait before the rail is asked again; None: never again.

    ``tries`` are the calls since the last answer that said something.
    """
    open_ones = [one for one in members if one.status is PayoutStatus.SUBMITTED]
    if any(one.reason in _IN_DOUBT for one in open_ones):
        return min(patience.first * 2 ** min(max(tries - 1, 0), 30), patience.longest)
    if open_ones:
        return patience.poll
    watched = [
        one.finalized_at + patience.watch
        for one in members
        if one.status is PayoutStatus.PAID and one.finalized_at is not None
    ]
    if watched and moment < max(watched):
        return patience.look_back
    return None


def is_settled(members: Collection[Payout]) -> bool:
    """Whether the last answer left nothing in doubt."""
    return not any(
        one.status is PayoutStatus.SUBMITTED and one.reason in _IN_DOUBT for one in members
    )
