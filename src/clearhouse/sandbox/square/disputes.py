"""Square's disputes: opened by amounts, answered with texts, decided when their time comes.

Square documents the amounts 8801 to 8809 for its own sandbox; what is decided, and when, is ours.
"""

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Final

from clearhouse.sandbox.core import Core, Response
from clearhouse.sandbox.square import moving, shapes
from clearhouse.sandbox.square.checks import check_evidence, text
from clearhouse.sandbox.square.endpoint import PSP, Call, respond
from clearhouse.sandbox.square.errors import Json, invalid, not_found
from clearhouse.sandbox.square.keys import once
from clearhouse.sandbox.square.shelves import Shelves

DUE: Final = f"{PSP}.dispute_is_due"
DECIDED: Final = f"{PSP}.dispute_is_decided"
STATES: Final = (
    *("INQUIRY_EVIDENCE_REQUIRED", "INQUIRY_PROCESSING", "INQUIRY_CLOSED"),
    *("EVIDENCE_REQUIRED", "PROCESSING", "WON", "LOST", "ACCEPTED"),
)
OPEN: Final = frozenset({"EVIDENCE_REQUIRED", "INQUIRY_EVIDENCE_REQUIRED"})
UNDECIDED: Final = OPEN | {"PROCESSING", "INQUIRY_PROCESSING"}
_ANSWER_WITHIN: Final = timedelta(days=14)
_DECIDED_AFTER: Final = timedelta(days=30)
_SUBMITTED: Final[Mapping[str, str]] = MappingProxyType(
    {"EVIDENCE_REQUIRED": "PROCESSING", "INQUIRY_EVIDENCE_REQUIRED": "INQUIRY_PROCESSING"}
)


class Disputes:
    """The disputes of all accounts over one core."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def list(self, call: Call) -> Response:
        """GET /v2/disputes: those in some states, all where none are named."""
        await call.request.working_time()
        wanted = set(filter(None, call.query.get("states", "").split(","))) or set(STATES)
        unknown = wanted - set(STATES)
        if unknown:
            detail = f"`{min(unknown)[:40]}` is not a state."
            raise invalid("INVALID_ENUM_VALUE", detail, "states")
        shelf = Shelves(self._core, call.account).shelf("dispute")
        cursor = call.query.get("cursor", "0")
        if not cursor.isdecimal():
            raise invalid("INVALID_CURSOR", "The cursor is not valid.", "cursor")
        found = self._core.objects.find(shelf, after=int(cursor), limit=50, newest_first=False)
        shown = [each.body for each in found if each.body["state"] in wanted]
        body: Json = {"disputes": shown} if shown else {}
        if len(found) == 50:
            body["cursor"] = str(found[-1].seq)
        return respond(call.request, 200, body)

    async def get(self, call: Call) -> Response:
        """GET /v2/disputes/{id}."""
        await call.request.working_time()
        dispute = self._load(Shelves(self._core, call.account), call)
        return respond(call.request, 200, {"dispute": dispute})

    async def accept(self, call: Call) -> Response:
        """POST /v2/disputes/{id}/accept: the seller gives in."""
        await call.request.working_time()
        shelves = Shelves(self._core, call.account)
        with self._core.truth.transaction():
            dispute = self._open(shelves, call)
            move(shelves, dispute, "ACCEPTED")
        return respond(call.request, 200, {"dispute": dispute})

    async def add_text(self, call: Call) -> Response:
        """POST /v2/disputes/{id}/evidence-text."""
        key = text(call.body, "idempotency_key")
        check_evidence(call.body)

        def work() -> Json:
            shelves = Shelves(self._core, call.account)
            dispute = self._open(shelves, call)
            evidence = {
                "id": f"E{self._core.name(21)}",
                "dispute_id": dispute["id"],
                "evidence_text": call.body["evidence_text"],
                "evidence_type": call.body.get("evidence_type", "GENERIC_EVIDENCE"),
                "uploaded_at": shapes.moment(self._core.now_us()),
            }
            dispute.setdefault("evidence_ids", []).append(evidence["id"])
            shelves.write_dispute(dispute)
            return {"evidence": evidence}

        return await once(self._core, call, f"evidence {call.request.params['id']} {key}", work)

    async def submit(self, call: Call) -> Response:
        """POST /v2/disputes/{id}/submit-evidence: the bank decides from now on."""
        await call.request.working_time()
        shelves = Shelves(self._core, call.account)
        with self._core.truth.transaction():
            dispute = self._open(shelves, call)
            if not dispute.get("evidence_ids"):
                raise invalid("BAD_REQUEST", "There is no evidence to submit.")
            move(shelves, dispute, _SUBMITTED[dispute["state"]])
            note(shelves, dispute, DECIDED, _DECIDED_AFTER)
        return respond(call.request, 200, {"dispute": dispute})

    def _load(self, shelves: Shelves, call: Call) -> Json:
        dispute = shelves.load("dispute", call.request.params["id"])
        if dispute is None:
            raise not_found("Could not find the dispute.", "dispute_id")
        return dispute

    def _open(self, shelves: Shelves, call: Call) -> Json:
        dispute = self._load(shelves, call)
        if dispute["state"] not in OPEN:
            detail = f"The dispute is in state {dispute['state']}, it waits for no answer."
            raise invalid("BAD_REQUEST", detail)
        return dispute


def begin(shelves: Shelves, payment: Json, reason: str, state: str) -> None:
    """The buyer's bank opens a dispute over the whole payment, or asks about it."""
    core = shelves.core
    now, micro = core.now_us(), timedelta(microseconds=1)
    dispute: Json = {
        "id": f"D{core.name(19)}",
        "amount_money": payment["total_money"],
        "reason": reason,
        "state": state,
        "due_at": shapes.moment(now + _ANSWER_WITHIN // micro),
        "disputed_payment": {"payment_id": payment["id"]},
        "card_brand": payment["card_details"]["card"]["card_brand"],
        "created_at": shapes.moment(now),
        "updated_at": shapes.moment(now),
        "reported_at": shapes.moment(now),
        "brand_dispute_id": core.name(22),
        "location_id": payment["location_id"],
        "version": 1,
    }
    shelves.add_dispute(dispute)
    moving.disputed(shelves, dispute)
    note(shelves, dispute, DUE, _ANSWER_WITHIN)


def move(shelves: Shelves, dispute: Json, state: str) -> None:
    """It goes on to another state."""
    dispute["state"] = state
    shelves.change_dispute(dispute)
    moving.disputed(shelves, dispute)


def fall_due(shelves: Shelves, dispute: Json) -> None:
    """Nobody answered: an inquiry becomes a dispute, and a dispute is lost."""
    if dispute["state"] == "EVIDENCE_REQUIRED":
        move(shelves, dispute, "LOST")
    else:
        escalate(shelves, dispute)


def escalate(shelves: Shelves, dispute: Json) -> None:
    """An inquiry becomes a dispute, with a time limit of its own."""
    later = shelves.core.now_us() + _ANSWER_WITHIN // timedelta(microseconds=1)
    dispute["due_at"] = shapes.moment(later)
    move(shelves, dispute, "EVIDENCE_REQUIRED")
    note(shelves, dispute, DUE, _ANSWER_WITHIN)


def decide(shelves: Shelves, dispute: Json) -> None:
    """The bank has read the evidence, and believes it."""
    move(shelves, dispute, "WON" if dispute["state"] == "PROCESSING" else "INQUIRY_CLOSED")


def note(shelves: Shelves, dispute: Json, kind: str, wait: timedelta) -> None:
    """Have it looked at later, if it is in the same state then."""
    payload = {"account": shelves.account, "id": dispute["id"], "state": dispute["state"]}
    shelves.core.agenda.later(kind, wait.total_seconds(), payload)
