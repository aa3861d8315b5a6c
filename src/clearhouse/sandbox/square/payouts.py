"""Payouts and their entries: one payout for each location and day, made at midnight.

It reaches the sandbox's bank at six in the morning, under its ``end_to_end_id``. What adds up to
nothing or less is not paid out.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from clearhouse.sandbox.core import Core, Response
from clearhouse.sandbox.movements import Movement, day_of
from clearhouse.sandbox.objects import Shelf
from clearhouse.sandbox.spoils import Spoil
from clearhouse.sandbox.square import shapes
from clearhouse.sandbox.square.endpoint import PSP, Call, respond
from clearhouse.sandbox.square.errors import Json, invalid, not_found
from clearhouse.sandbox.square.events import emit
from clearhouse.sandbox.square.listing import limit_of, number_of, time_of
from clearhouse.sandbox.square.locations import MAIN
from clearhouse.sandbox.square.shelves import Shelves

PAID: Final = f"{PSP}.payout_is_paid"
_ARRIVES_AFTER: Final = 6 * 3_600
_LISTED: Final = frozenset(
    {"location_id", "status", "begin_time", "end_time", "sort_order", "cursor", "limit"}
)
_ENTRIES: Final = frozenset({"sort_order", "cursor", "limit"})
_TYPES: Final = {
    "charge": "CHARGE",
    "refund": "REFUND",
    "dispute": "DISPUTE",
    "dispute_reversal": "DISPUTE",
    "charge_failure": "OTHER_ADJUSTMENT",
}
_YEAR_US: Final = 365 * 86_400_000_000


def pay_out(shelves: Shelves, place: str, currency: str) -> None:
    """Make the payout of one location, if there is anything to pay."""
    core = shelves.core
    identifier = f"po_{core.name(32)}"
    now = core.now_us()
    # What happens at midnight itself belongs to the new day.
    total = core.movements.pay_out(PSP, shelves.account, place, currency, identifier, now - 1)
    if total == 0:
        return
    stamp = shapes.moment(now)
    payout: Json = {
        "id": identifier,
        "status": "SENT",
        "location_id": place,
        "created_at": stamp,
        "updated_at": stamp,
        "amount_money": {"amount": total, "currency": currency},
        "destination": {"type": "BANK_ACCOUNT", "id": f"bact:{core.name(24)}"},
        "version": 1,
        "type": "BATCH",
        "payout_fee": [],
        "arrival_date": day_of(now),
        "end_to_end_id": f"L{core.name(16).upper()}",
    }
    _save(shelves, payout)
    emit(core, "payout.sent", "payout", payout)
    core.agenda.later(PAID, _ARRIVES_AFTER, {"account": shelves.account, "id": identifier})
    arrival = {
        "psp": PSP,
        "account": core.settings.payouts_to,
        "amount_minor": total,
        "currency": currency,
        "key": payout["end_to_end_id"],
        "text": f"SQUARE INC {place}",
    }
    core.agenda.later("bank.receives", _ARRIVES_AFTER, arrival)


def paid(shelves: Shelves, payout: Json) -> None:
    """The bank has it."""
    payout.update(status="PAID", version=2, updated_at=shapes.moment(shelves.core.now_us()))
    _save(shelves, payout)
    emit(shelves.core, "payout.paid", "payout", payout)


class Payouts:
    """The payouts of all accounts over one core."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def list(self, call: Call) -> Response:
        """GET /v2/payouts: of one location, the main one where none is named."""
        _known(call, _LISTED)
        await call.request.working_time()
        query, now = call.query, self._core.now_us()
        place = query.get("location_id", MAIN)
        since, until = time_of(call, "begin_time", now - _YEAR_US), time_of(call, "end_time", now)
        ascending = query.get("sort_order", "DESC") == "ASC"
        cursor = number_of(call, "cursor", "INVALID_CURSOR")
        limit = limit_of(call)
        found = self._core.objects.find(
            Shelf(PSP, call.account, "payout"),
            marks={"location_id": place},
            created_from=since,
            created_to=until,
            after=cursor if ascending else None,
            before=None if ascending else cursor,
            limit=limit + 1,
            newest_first=not ascending,
        )
        wanted = query.get("status")
        page = [
            self._shown(each.body)
            for each in found[:limit]
            if wanted in {None, each.body["status"]}
        ]
        body: Json = {"payouts": page} if page else {}
        if len(found) > limit:
            body["cursor"] = str(found[limit - 1].seq)
        return self._respond(call, body, since)

    async def get(self, call: Call) -> Response:
        """GET /v2/payouts/{id}."""
        await call.request.working_time()
        return respond(call.request, 200, {"payout": self._shown(self._load(call))})

    async def entries(self, call: Call) -> Response:
        """GET /v2/payouts/{id}/payout-entries: a page of what it is made of."""
        _known(call, _ENTRIES)
        await call.request.working_time()
        payout = self._load(call)
        offset = number_of(call, "cursor", "INVALID_CURSOR") or 0
        limit = limit_of(call)
        told = self._told(call.account, payout)
        page = [_entry(each, payout["id"]) for each in islice(told, offset, offset + limit)]
        body: Json = {"payout_entries": page} if page else {}
        if next(told, None) is not None:
            body["cursor"] = str(offset + limit)
        return self._respond(call, body, shapes.micros(payout["created_at"]) - 1)

    def _told(self, account: str, payout: Json) -> Iterator[Movement]:
        """Its lines; with those of the payout before it, where an order asks for that."""
        start = shapes.micros(payout["created_at"]) - 1
        found = self._core.objects.find(
            Shelf(PSP, account, "payout"),
            marks={"location_id": payout["location_id"]},
            created_to=start,
            limit=1,
        )
        earlier = found[0].body if found else None
        start_before = shapes.micros(earlier["created_at"]) - 1 if earlier else start
        return self._core.spoils.told(
            self._of(account, payout),
            lambda: self._of(account, earlier) if earlier else iter(()),
            PSP,
            start,
            start_before,
        )

    def _of(self, account: str, payout: Json) -> Iterator[Movement]:
        return self._core.movements.of_payout(PSP, account, payout["id"])

    def _shown(self, payout: Json) -> Json:
        start = shapes.micros(payout["created_at"]) - 1
        if not self._core.spoils.has(Spoil.WRONG_TOTAL, PSP, start):
            return payout
        money = payout["amount_money"]
        return {**payout, "amount_money": {**money, "amount": money["amount"] + 100}}

    def _respond(self, call: Call, body: Json, start: int) -> Response:
        response = respond(call.request, 200, body)
        response.body = self._core.spoils.file(response.body, PSP, start)
        return response

    def _load(self, call: Call) -> Json:
        payout = Shelves(self._core, call.account).load("payout", call.request.params["id"])
        if payout is None:
            raise not_found("Could not find the payout.", "payout_id")
        return payout


def _save(shelves: Shelves, payout: Json) -> None:
    shelves.core.objects.put(
        shelves.shelf("payout"),
        payout["id"],
        payout,
        created_at=shelves.core.now_us(),
        marks={"location_id": payout["location_id"]},
    )


def _entry(line: Movement, payout: str) -> Json:
    kind = _TYPES[line.kind]
    details: dict[str, Any] = {"payment_id": line.charge}
    if line.kind == "refund":
        details["refund_id"] = line.source
    elif kind == "DISPUTE":
        details["dispute_id"] = line.source

    def money(amount: int) -> Json:
        return {"amount": amount, "currency": line.currency}

    return {
        "id": line.id,
        "payout_id": payout,
        "effective_at": shapes.moment(line.at),
        "type": kind,
        "gross_amount_money": money(line.gross_minor),
        "fee_amount_money": money(line.fee_minor),
        "net_amount_money": money(line.net_minor),
        f"type_{kind.lower()}_details": details,
    }


def _known(call: Call, names: frozenset[str]) -> None:
    for name in call.query:
        if name not in names:
            raise invalid("UNKNOWN_QUERY_PARAMETER", "Unknown parameter.", name[:80])
