"""The control page ``/_sandbox/``: all that the PSPs know, and a button for all they can do.

A page of three files without a build step; it asks for one snapshot (``/_sandbox/board``) again
and again, and calls the control API that programs use.
"""

from importlib import resources
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec

from clearhouse.kernel.money import format_minor
from clearhouse.sandbox.control import answer, fault, unavailable
from clearhouse.sandbox.core import Core, Request, Response, Route
from clearhouse.sandbox.faults import CHANGES, Fault
from clearhouse.sandbox.objects import Body
from clearhouse.sandbox.spoils import Spoil
from clearhouse.sandbox.truth import Charge, Dispute, Refund

_SHOWN: Final = 50
_MOST: Final = 100_000
_AGENDA: Final = 15
_DELIVERIES: Final = 40
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_FILES: Final = (
    ("/_sandbox/", "board.html", "text/html; charset=utf-8"),
    ("/_sandbox/board.css", "board.css", "text/css; charset=utf-8"),
    ("/_sandbox/board.js", "board.js", "text/javascript; charset=utf-8"),
)
_Row = Charge | Refund | Dispute


def routes(core: Core) -> list[Route]:
    """The page, its two files, and what it shows."""
    board = Board(core)

    async def snapshot(request: Request) -> Response:
        limit = dict(parse_qsl(request.query)).get("limit", str(_SHOWN))
        if not limit.isdecimal() or not 0 < int(limit) <= _MOST:
            return fault(f"limit is a number from 1 to {_MOST}")
        return answer(board.snapshot(int(limit)))

    async def with_a_slash(_request: Request) -> Response:
        return Response(308, b"", [("location", "/_sandbox/")])

    return [
        Route("sandbox", "GET", "/_sandbox", with_a_slash, unavailable, operation="control"),
        *(_file(path, name, kind) for path, name, kind in _FILES),
        Route("sandbox", "GET", "/_sandbox/board", snapshot, unavailable, operation="control"),
    ]


def _file(path: str, name: str, kind: str) -> Route:
    content = resources.files("clearhouse.sandbox").joinpath(name).read_bytes()
    headers = [
        ("content-type", kind),
        ("content-security-policy", _POLICY),
        ("cache-control", "no-cache"),
        ("x-content-type-options", "nosniff"),
    ]

    async def serve(_request: Request) -> Response:
        return Response(200, content, list(headers))

    return Route("sandbox", "GET", path, serve, unavailable, operation="control")


class Board:
    """What the page shows, newest first, with what can be done to each object now."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def snapshot(self, limit: int = _SHOWN) -> dict[str, Any]:
        """Everything at once, ``limit`` charges and objects of it; only reads."""
        core = self._core
        charges = [self._charge(charge) for charge in core.truth.newest_charges(limit)]
        agenda = core.agenda.waiting()
        return {
            "now": core.clock.now(),
            "ahead_seconds": core.clock.offset.total_seconds(),
            "psps": sorted(core.courier.psps),
            "faults": list(Fault),
            "spoils": list(Spoil),
            "reporting": [*sorted(core.courier.psps), "bank"],
            "operations": [*sorted(CHANGES), "look-up", "report"],
            "summary": [
                {**row, "amount": format_minor(row["amount_minor"], row["currency"])}
                for row in core.truth.summary()
            ],
            "charges": charges,
            "objects": self._objects({charge["id"] for charge in charges}, limit),
            "agenda": agenda[:_AGENDA],
            "agenda_more": max(0, len(agenda) - _AGENDA),
            "ordered": core.faults.waiting(),
            "spoilt": core.spoils.standing(),
            "rates": core.faults.rates,
            "mischief": core.courier.mischief,
            "webhooks": [{"psp": one.psp, "url": one.url} for one in core.courier.endpoints()],
            "deliveries": core.courier.log(_DELIVERIES),
            "waiting": core.courier.waiting(),
        }

    def _charge(self, charge: Charge) -> dict[str, Any]:
        truth = self._core.truth
        return {
            **self._row(charge),
            "reference": charge.reference,
            "url": self._challenge(charge),
            "refunds": [self._row(one) for one in truth.refunds(charge.psp, charge.psp_id)],
            "disputes": [self._row(one) for one in truth.disputes(charge.psp, charge.psp_id)],
        }

    def _challenge(self, charge: Charge) -> str | None:
        """Where the buyer must go, if anywhere."""
        if charge.status != "requires_action":
            return None
        row = self._core.truth.execute(
            "SELECT body FROM objects WHERE psp = ? AND account = ? AND id = ?",
            (charge.psp, charge.account, charge.psp_id),
        ).fetchone()
        return None if row is None else _page(msgspec.json.decode(row[0]))

    def _row(self, row: _Row) -> dict[str, Any]:
        return {
            "psp": row.psp,
            "account": row.account,
            "id": row.psp_id,
            "amount": format_minor(row.amount_minor, row.currency),
            "currency": row.currency,
            "status": row.status,
            "at": row.created_at,
            "actions": self._actions(row.psp, row.account, row.psp_id),
        }

    def _objects(self, shown: set[str], limit: int) -> list[dict[str, Any]]:
        """What is neither charge, refund nor dispute, and is a page or can be acted upon."""
        found: list[dict[str, Any]] = []
        for psp, account, kind, identifier, content in self._core.truth.execute(
            "SELECT psp, account, kind, id, body FROM objects o"
            " WHERE NOT EXISTS (SELECT 1 FROM refunds r WHERE r.psp = o.psp AND r.psp_id = o.id)"
            " AND NOT EXISTS (SELECT 1 FROM disputes d WHERE d.psp = o.psp AND d.psp_id = o.id)"
            " ORDER BY seq DESC LIMIT ?",
            (limit,),
        ).fetchall():
            if identifier in shown:
                continue
            body: Body = msgspec.json.decode(content)
            actions = self._actions(psp, account, identifier)
            page = _page(body)
            if page or actions:
                found.append(
                    {
                        "psp": psp,
                        "account": account,
                        "kind": kind,
                        "id": identifier,
                        "url": page,
                        "status": body.get("status") or body.get("state"),
                        "actions": actions,
                    }
                )
        return found

    def _actions(self, psp: str, account: str, identifier: str) -> list[dict[str, str]]:
        offered = self._core.actions.offered(psp, account, identifier)
        return [{"name": action.name, "label": action.label} for action in offered]


def _page(body: Body) -> str | None:
    """The page that an object has for its buyer; an address of another kind is none."""
    action: Body = body.get("next_action") or {}
    told: Body = action.get("redirect_to_url") or {}
    url = body.get("url") or told.get("url")
    return url if isinstance(url, str) and url.startswith(("http://", "https://")) else None
