"""Report runs: asked for, ready a moment later, and downloaded as CSV by a plain GET.

The file is made when it is downloaded, out of the movements of its interval, so it costs nothing
until somebody wants it. Data is there up to now, as it is at Stripe up to some hours ago.
"""

import csv
import io
from collections.abc import Callable, Iterator
from typing import Any, Final, cast

from clearhouse.sandbox.core import Core
from clearhouse.sandbox.movements import Movement
from clearhouse.sandbox.spoils import Spoil
from clearhouse.sandbox.stripe import values
from clearhouse.sandbox.stripe.endpoint import Call, Effect, Reader, Reply
from clearhouse.sandbox.stripe.errors import invalid, missing, not_found
from clearhouse.sandbox.stripe.report_columns import ACTIVITY, METADATA, PAYOUTS, cells
from clearhouse.sandbox.stripe.shapes import Json
from clearhouse.sandbox.stripe.shelves import PSP, Shelves

_RUN: Final = "reporting.report_run"
_SECOND: Final = 1_000_000
_OPENED: Final = 1_735_689_600
"""Data is there from 2025-01-01 on."""
TYPES: Final = {
    "balance_change_from_activity.itemized.3": ACTIVITY,
    "payout_reconciliation.itemized.5": PAYOUTS,
}
_PARAMETERS: Final = {
    *("columns", "connected_account", "currency", "interval_end", "interval_start", "payout"),
    *("reporting_category", "timezone"),
}
_DEFAULT: Final = (
    *("balance_transaction_id", "created_utc", "created", "available_on_utc", "available_on"),
    *("currency", "gross", "fee", "net", "reporting_category", "source_id", "description"),
    *("customer_facing_amount", "customer_facing_currency", "automatic_payout_id"),
    "automatic_payout_effective_at",
)


def create(call: Call) -> Effect:
    """POST /v1/reporting/report_runs."""
    values.known(call.params, {"report_type", "parameters", "expand"})
    kind = values.text(call.params, "report_type")
    if kind is None:
        raise missing("report_type")
    if kind not in TYPES:
        raise not_found("report type", kind, param="report_type", status=400)
    asked = _parameters(call, kind)

    def effect() -> Reply:
        run: Json = {
            "id": call.shelves.new_id("frr"),
            "object": _RUN,
            "created": call.shelves.now,
            "error": None,
            "livemode": False,
            "parameters": asked,
            "report_type": kind,
            "result": None,
            "status": "pending",
            "succeeded_at": None,
        }
        call.shelves.save(run)
        return 200, run

    return effect


def retrieve_run(call: Call) -> Json:
    """GET /v1/reporting/report_runs/{id}: what was pending is ready when it is asked for."""
    run = call.shelves.load(_RUN, call.id)
    if run is None:
        raise not_found("reporting.report_run", call.id, param="report_run")
    name = f"file_{call.id.removeprefix('frr_')}"
    result: Json = {
        "id": name,
        "object": "file",
        "created": run["created"],
        "expires_at": None,
        "filename": f"{call.id}.csv",
        "links": {"object": "list", "data": [], "has_more": False, "url": "/v1/file_links"},
        "purpose": "finance_report_run",
        "size": 0,
        "title": f"FinanceReportRun {call.id}",
        "type": "csv",
        "url": f"{call.base_url}/v1/files/{name}/contents",
    }
    return {**run, "status": "succeeded", "succeeded_at": run["created"], "result": result}


def report_type(core: Core) -> Reader:
    """GET /v1/reporting/report_types/{id}: how far its data goes."""

    def reader(call: Call) -> Json:
        if call.id not in TYPES:
            raise not_found("report type", call.id, param="report_type")
        return {
            "id": call.id,
            "object": "reporting.report_type",
            "data_available_start": _OPENED,
            "data_available_end": core.now_us() // _SECOND,
            "default_columns": list(_DEFAULT),
            "livemode": False,
            "name": call.id.partition(".")[0].replace("_", " ").title(),
            "updated": core.now_us() // _SECOND,
            "version": int(call.id.rpartition(".")[2]),
        }

    return reader


def contents(core: Core) -> Callable[[Call], bytes]:
    """GET /v1/files/{id}/contents: the CSV of a report run."""

    def reader(call: Call) -> bytes:
        run = call.shelves.load(_RUN, f"frr_{call.id.removeprefix('file_')}")
        if run is None:
            raise not_found("file", call.id, param="file")
        start = run["parameters"]["interval_start"] * _SECOND
        return core.spoils.file(_render(core, call.shelves, run), PSP, start)

    return reader


def _render(core: Core, shelves: Shelves, run: Json) -> bytes:
    asked = run["parameters"]
    columns: list[str] = asked["columns"]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    wrong = core.spoils.has(Spoil.WRONG_TOTAL, PSP, asked["interval_start"] * _SECOND)
    for line in _lines(core, shelves, run):
        if asked.get("currency", line.currency.lower()) != line.currency.lower():
            continue
        told = _told(shelves, line)
        if wrong:
            told["net"], wrong = told["gross"] + "1", False
        writer.writerow([told.get(column, "") for column in columns])
    return out.getvalue().encode()


def _lines(core: Core, shelves: Shelves, run: Json) -> Iterator[Movement]:
    asked, account = run["parameters"], shelves.account
    first, last = asked["interval_start"], asked["interval_end"]
    start, end = first * _SECOND, last * _SECOND
    if run["report_type"].startswith("balance_change"):
        yield from core.spoils.lines(core.movements, PSP, account, start, end, None)
        return
    for payout in shelves.payouts_arriving(first, last):
        lines = core.movements.of_payout(PSP, account, payout["id"])
        told = (each for each in lines if each.source != payout["id"])
        yield from core.spoils.by_day(told, PSP)


def _told(shelves: Shelves, line: Movement) -> dict[str, str]:
    intent = shelves.load("payment_intent", line.charge) if line.charge else None
    latest = intent["latest_charge"] if intent else None
    charge = shelves.load("charge", latest) if latest else None
    payout = shelves.load("payout", line.payout) if line.payout else None
    # A charge that only a spoilt report knows has a reference, and no intent.
    told = {"payment_order_id": line.reference} if line.reference else {}
    metadata = dict(intent["metadata"]) if intent else told
    return cells(line, charge, metadata, payout)


def _parameters(call: Call, kind: str) -> Json:
    asked = values.nested(call.params, "parameters")
    values.known(asked, _PARAMETERS)
    start, end = (
        values.required_integer(asked, "interval_start"),
        values.required_integer(asked, "interval_end"),
    )
    if not _OPENED <= start < end:
        raise invalid("interval_start must be before interval_end", param="parameters")
    if end > call.shelves.now:
        message = f"Data for this report is not yet available up to {end}."
        raise invalid(message, param="parameters[interval_end]")
    columns: Any = asked.get("columns") or list(_DEFAULT)
    if not isinstance(columns, list):
        raise invalid("Invalid array", param="parameters[columns]")
    names = [str(column) for column in cast("list[object]", columns)]
    for name in names:
        if name not in TYPES[kind] and name.partition("[")[0] not in METADATA:
            raise invalid(f"Invalid column: {name[:60]}", param="parameters[columns]")
    taken = {name: text for name in ("currency", "timezone") if (text := values.text(asked, name))}
    if taken.get("timezone", "Etc/UTC") not in {"Etc/UTC", "UTC"}:
        raise invalid("The sandbox writes its reports in UTC.", param="parameters[timezone]")
    return {"interval_start": start, "interval_end": end, "columns": names, **taken}
