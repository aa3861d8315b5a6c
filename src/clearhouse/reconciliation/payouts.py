"""Payouts beside the bank: matched anew each night, as far back as both may still move.

What was found is kept until a later night finds something else; then it is superseded, so that
history shows what was believed when.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from datetime import date, timedelta
from typing import Final

import asyncpg

from clearhouse.kernel.clock import Clock
from clearhouse.kernel.ids import Ids
from clearhouse.postgres.connection import Connection
from clearhouse.psp.banks.statements import BankLine
from clearhouse.psp.settlements import LineKind, SettlementLine
from clearhouse.reconciliation.banking import Found, Payout, Verdict, match
from clearhouse.reconciliation.breaks import Difference
from clearhouse.reconciliation.sent import Sent
from clearhouse.reconciliation.store import QUERIES

BACK: Final = timedelta(days=60)
"""How far back payouts are looked at: longer than any bank takes to return one."""
_LATER: Final = timedelta(days=2)


class PayoutMatching:
    """Matches what was paid out with what the bank booked."""

    def __init__(self, clock: Clock, ids: Ids) -> None:
        self._clock = clock
        self._ids = ids

    async def match(self, connection: Connection) -> list[Difference]:
        """Match and keep what was found, in the caller's transaction; what differs of it."""
        today = self._clock.now().date()
        since = today - BACK
        payouts = await _payouts(connection, since)
        lines = await _lines(connection, since - _LATER)
        found = match(payouts, lines, today)
        await self._keep(connection, found)
        # One that the PSP took back as well is told by its own line.
        rows = await connection.fetch(QUERIES["paid_back"], since)
        back = {(row["psp"], row["reference"]) for row in rows}
        return [difference for one in found for difference in _difference(one, back)]

    async def _keep(self, connection: Connection, found: Sequence[Found]) -> None:
        """Supersede what is not found any more, and add what is new."""
        now = self._clock.now()
        rows = await connection.fetch(QUERIES["current_matches"])
        current = {_key_of_row(row): row["match_id"] for row in rows}
        wanted = {_key(one): one for one in found}
        gone = [match_id for key, match_id in current.items() if key not in wanted]
        if gone:
            await connection.execute(QUERIES["supersede_matches"], gone, now)
        new = [one for key, one in wanted.items() if key not in current]
        for one in new:
            await connection.execute(
                QUERIES["store_match"],
                self._ids.at(now),
                one.payouts[0].psp if one.payouts else "",
                one.verdict.value,
                one.basis.value if one.basis else None,
                one.confidence,
                (*one.payouts, *one.lines)[0].currency,
                one.difference_minor,
                [payout.reference for payout in one.payouts],
                [line.account for line in one.lines],
                [line.key for line in one.lines],
                now,
            )


def _key(one: Found) -> tuple[object, ...]:
    return (
        one.verdict.value,
        one.confidence,
        one.difference_minor,
        tuple(payout.reference for payout in one.payouts),
        tuple(line.account for line in one.lines),
        tuple(line.key for line in one.lines),
    )


def _key_of_row(row: asyncpg.Record) -> tuple[object, ...]:
    return (
        row["verdict"],
        row["confidence"],
        row["difference_minor"],
        tuple(row["payouts"]),
        tuple(row["accounts"]),
        tuple(row["line_keys"]),
    )


async def _payouts(connection: Connection, since: date) -> list[Payout]:
    sent = Sent()
    for row in await connection.fetch(QUERIES["paid_out"], since):
        sent.add(
            row["psp"],
            SettlementLine(
                row["name"],
                LineKind(row["kind"]),
                row["name"],
                row["trace"],
                "",
                row["currency"],
                int(row["moved_minor"]),
                0,
                f"{row['day']}",
                row["settlement"],
                "",
            ),
        )
    return [payout for payout in sent.payouts() if payout.sent_on >= since]


async def _lines(connection: Connection, since: date) -> list[BankLine]:
    rows = await connection.fetch(QUERIES["booked_lines"], since)
    return [
        BankLine(
            row["line_key"],
            row["account"],
            row["currency"],
            row["amount_minor"],
            row["booked_on"],
            row["value_on"],
            row["reference"],
            row["text"],
            row["counterparty"],
            row["returned"],
        )
        for row in rows
    ]


def _difference(found: Found, back: AbstractSet[tuple[str, str]]) -> list[Difference]:
    """What is wrong with a match; those that agree have none. ``back`` are payouts taken back."""
    named = found.payouts[0] if found.payouts else None
    if found.verdict is Verdict.MATCHED:
        return []
    if named and found.verdict is Verdict.RETURNED and (named.psp, named.reference) in back:
        return []
    if named is None:
        line = found.lines[0]
        return [
            Difference(
                f"bank:line:{line.account}:{line.key}",
                found.verdict.value,
                line.booked_on,
                line.key,
                line.currency,
                None,
                line.amount_minor,
                abs(line.amount_minor),
                f"bank line of {line.account}: {line.text[:120]}",
            )
        ]
    sent = sum(payout.amount_minor for payout in found.payouts)
    came = sum(line.amount_minor for line in found.lines) if found.lines else None
    names = " ".join(payout.reference for payout in found.payouts)
    lines = " ".join(line.key for line in found.lines) or "no bank line"
    return [
        Difference(
            f"bank:payout:{named.psp}:{named.reference}",
            found.verdict.value,
            named.sent_on,
            named.reference,
            named.currency,
            sent,
            came,
            abs(found.difference_minor) or sent,
            f"payout {names} of {named.psp} beside {lines}",
            psp=named.psp,
        )
    ]
