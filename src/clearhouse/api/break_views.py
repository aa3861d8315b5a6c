"""What the API says of breaks: types that define the JSON, and their values."""

from datetime import date
from typing import Annotated

import msgspec
from msgspec import Meta

from clearhouse.api.responses import Moment
from clearhouse.kernel.money import format_minor
from clearhouse.ledger.rules import entry_for
from clearhouse.reconciliation.atlas import WHO
from clearhouse.reconciliation.likeness import Tail
from clearhouse.reconciliation.model import Area, Break, BreakDetail


class BreakView(msgspec.Struct, frozen=True):
    """A difference that reconciliation found."""

    break_id: Annotated[str, Meta(description="Ours.")]
    state: Annotated[str, Meta(description="`open`, `mended`, `settled` or `written_off`.")]
    cause: Annotated[str, Meta(description="Why it differs; see the reference.")]
    area: Annotated[Area, Meta(description="What was compared.")]
    day: Annotated[date, Meta(description="The UTC day that it is of.")]
    psp: Annotated[str, Meta(description="Whose report; empty for a bank line of nobody.")]
    reference: Annotated[str, Meta(description="The PSP's, or ours where nobody else has one.")]
    currency: Annotated[str, Meta(description="ISO 4217.")]
    ours: Annotated[str | None, Meta(description="What our side says, signed; null: nothing.")]
    theirs: Annotated[str | None, Meta(description="What the other side says.")]
    at_stake: Annotated[str, Meta(description="What it is about.")]
    owner: Annotated[str, Meta(description="Who looks after it; empty: nobody.")]
    closed_by: Annotated[str, Meta(description="Who can close it.")]
    proposal: Annotated[str, Meta(description="What is proposed.")]
    detail: Annotated[str, Meta(description="For people.")]
    opened_at: Moment
    closed_at: Moment | None


class BreakListView(msgspec.Struct, frozen=True):
    """Breaks, the most at stake first."""

    items: list[BreakView]


class BreakPostingView(msgspec.Struct, frozen=True):
    """A line of a journal entry that is not booked yet."""

    debit: str
    credit: str
    amount: str


class BreakHistoryView(msgspec.Struct, frozen=True):
    """Something that happened to a break."""

    at: Moment
    actor: str
    deed: str
    note: str


class BreakAskedView(msgspec.Struct, frozen=True):
    """A decision that waits for a second person."""

    deed: str
    by: str
    reason: str


class BreakLikenessView(msgspec.Struct, frozen=True):
    """An order that a charge of nobody looks like: the same amount, and no charge of its own."""

    payment_order_id: Annotated[str, Meta(description="The order's.")]
    status: Annotated[str, Meta(description="The order's.")]
    confidence: Annotated[int, Meta(description="In percent; orders that fit as well share it.")]
    seconds_apart: Annotated[int, Meta(description="Between the order and the charge.")]
    card: Annotated[Tail, Meta(description="Whether the cards' last digits are the same.")]


class BreakDetailView(msgspec.Struct, frozen=True):
    """A break with all that helps to decide."""

    found: Annotated[BreakView, Meta(description="The break.")]
    would_book: Annotated[
        list[BreakPostingView], Meta(description="What accepting it would book, line by line.")
    ]
    asked: BreakAskedView | None
    near: Annotated[
        list[BreakView], Meta(description="Open breaks over the same amount, within a week.")
    ]
    looks_like: Annotated[
        list[BreakLikenessView],
        Meta(description="Orders that an `unknown_charge` may be of, the best first."),
    ]
    history: list[BreakHistoryView]


def view_break(one: Break) -> BreakView:
    """A break as the API tells it."""
    return BreakView(
        break_id=str(one.break_id),
        state=one.state,
        cause=one.cause.word,
        area=one.area,
        day=one.day,
        psp=one.psp,
        reference=one.reference,
        currency=one.currency,
        ours=_amount(one.ours_minor, one.currency),
        theirs=_amount(one.theirs_minor, one.currency),
        at_stake=format_minor(one.at_stake_minor, one.currency),
        owner=one.owner,
        closed_by=WHO[one.cause.mender],
        proposal=one.cause.proposal,
        detail=one.detail,
        opened_at=one.opened_at,
        closed_at=one.closed_at,
    )


def view_detail(detail: BreakDetail) -> BreakDetailView:
    """A break with all about it."""
    entry = entry_for(detail.proposed) if detail.proposed is not None else None
    return BreakDetailView(
        view_break(detail.found),
        [
            BreakPostingView(
                line.debit.code,
                line.credit.code,
                format_minor(line.amount_minor, line.debit.currency),
            )
            for line in (entry.lines if entry else ())
        ],
        None
        if detail.asked is None
        else BreakAskedView(detail.asked.deed, detail.asked.asked_by, detail.asked.reason),
        [view_break(near.found) for near in detail.near],
        [
            BreakLikenessView(
                like.payment_order_id,
                like.status,
                like.confidence,
                int(like.apart.total_seconds()),
                like.tail,
            )
            for like in detail.likes
        ],
        [BreakHistoryView(one.at, one.actor, one.deed, one.note) for one in detail.history],
    )


def _amount(minor: int | None, currency: str) -> str | None:
    return None if minor is None else format_minor(minor, currency)
