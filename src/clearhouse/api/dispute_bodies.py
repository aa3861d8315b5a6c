"""The bodies of answers to disputes: a text and named facts, every fault at once."""

import re
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from clearhouse.api.buyer_info import LAYOUT, check_characters
from clearhouse.api.cards import bytes_hold_card_number, holds_card_number
from clearhouse.api.documents import document_of
from clearhouse.api.faults import Faults, pointer_to
from clearhouse.api.strict_json import Members
from clearhouse.kernel.errors import CardNumberRefused, InvalidRequest
from clearhouse.psp.disputes import Evidence

MAX_TEXT: Final = 20_000
MAX_FIELD: Final = 5_000
MAX_FIELDS: Final = 30
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,59}", re.ASCII)
_MEMBERS: Final = ("text", "fields")


class EvidenceRequest(msgspec.Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True):
    """Why the charge was right; one member at least."""

    text: Annotated[
        str,
        Meta(
            max_length=MAX_TEXT, description="What happened, in your words; line breaks are fine."
        ),
    ] = ""
    fields: Annotated[
        dict[str, Annotated[str, Meta(max_length=MAX_FIELD)]],
        Meta(
            max_length=MAX_FIELDS,
            description="Facts by name, such as `shipping_tracking_number`. A name that the PSP "
            "knows is sent as its own kind of evidence, others beside the text.",
        ),
    ] = {}


class AcceptanceRequest(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Nothing needs to be said; an empty object."""


def read_evidence(body: bytes) -> Evidence:
    """The evidence that a body holds.

    Raises CardNumberRefused, InvalidRequest with every fault, and HttpError for what is not JSON.
    """
    faults, checked = Faults(), Evidence("", {})
    members = _members_of(body, faults, _MEMBERS)
    if members is not None:
        text = members.values.get("text", "")
        fields = members.values.get("fields", Members())
        _check_text(text, "/text", MAX_TEXT, faults)
        if not isinstance(fields, Members):
            faults.add("/fields", "wrong-type", "must be a JSON object of texts")
        else:
            _check_fields(fields, faults)
            if not faults:
                checked = Evidence(text.strip(), dict(fields.values))
                if not checked.text and not any(map(str.strip, checked.fields.values())):
                    faults.add("", "missing-field", "needs a text or fields")
    if faults:
        raise InvalidRequest(faults.found)
    return checked


def read_acceptance(body: bytes) -> Evidence:
    """No evidence, from a body that says nothing. Raises as ``read_evidence`` does."""
    faults = Faults()
    _members_of(body, faults, ())
    if faults:
        raise InvalidRequest(faults.found)
    return Evidence("", {})


def _members_of(body: bytes, faults: Faults, known: tuple[str, ...]) -> Members | None:
    if bytes_hold_card_number(body):
        raise CardNumberRefused("")
    document = document_of(body)
    if not isinstance(document, Members):
        faults.add("", "wrong-type", "must be a JSON object")
        return None
    for name in document.values:
        if name not in known:
            listed = " and ".join(known) if known else "nothing"
            faults.add("", "unknown-field", f"may hold {listed} only")
    for name, _ in document.repeated:
        faults.add(f"/{name}" if name in known else "", "duplicate-key", "is given more than once")
    return document


def _check_fields(fields: Members, faults: Faults) -> None:
    if len(fields.values) > MAX_FIELDS:
        faults.add("/fields", "too-many", f"may hold at most {MAX_FIELDS} fields")
    for name, value in fields.values.items():
        if _NAME.fullmatch(name):
            _check_text(value, pointer_to(("fields", name)), MAX_FIELD, faults)
        else:
            faults.add(
                "/fields",
                "invalid-name",
                "names are of 1 to 60 ASCII letters, digits and underscores, a letter first",
            )
    if fields.repeated:
        faults.add("/fields", "duplicate-key", "holds a name more than once")


def _check_text(value: Any, pointer: str, most: int, faults: Faults) -> None:
    if not isinstance(value, str):
        faults.add(pointer, "wrong-type", "must be a string")
    elif check_characters(value, pointer, faults, allowed=LAYOUT):
        if holds_card_number(value):
            raise CardNumberRefused(pointer)
        if len(value) > most:
            faults.add(pointer, "too-long", f"must have at most {most:,} characters")
