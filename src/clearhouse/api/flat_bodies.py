"""Bodies that are flat objects: each member checked against its type, every fault at once."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Final, TypeVar

import msgspec

from clearhouse.api.buyer_info import check_characters
from clearhouse.api.cards import holds_card_number
from clearhouse.api.documents import document_of
from clearhouse.api.faults import Faults
from clearhouse.api.strict_json import Members, Number
from clearhouse.kernel.errors import CardNumberRefused, InvalidRequest

Body = TypeVar("Body", bound=msgspec.Struct)
_encoder: Final = msgspec.json.Encoder(order="sorted")


def read_flat(
    body: bytes,
    kind: type[Body],
    rules: Mapping[str, str],
    *,
    unlike_cards: AbstractSet[str] = frozenset(),
) -> tuple[Body, bytes]:
    """A body as its type, and its canonical JSON; an empty one counts as an empty object.

    ``rules`` says by member what it must be, for people. ``unlike_cards`` are members whose
    digits are no card's even where they look like one. Raises CardNumberRefused, InvalidRequest
    with every fault, and HttpError for what is not JSON.
    """
    faults = Faults()
    values = _values(document_of(body), kind, rules, unlike_cards, faults)
    if faults:
        raise InvalidRequest(faults.found)
    return msgspec.convert(values, kind), _encoder.encode(values)


def _values(
    document: Any,
    kind: type[msgspec.Struct],
    rules: Mapping[str, str],
    unlike_cards: AbstractSet[str],
    faults: Faults,
) -> dict[str, Any]:
    if not isinstance(document, Members):
        faults.add("", "wrong-type", "must be a flat JSON object")
        return {}
    known = {field.name: field for field in msgspec.structs.fields(kind)}
    values: dict[str, Any] = {}
    for name, value in [*document.values.items(), *document.repeated]:
        if holds_card_number(name):
            raise CardNumberRefused("")
        if name not in known:
            if isinstance(value, str) and holds_card_number(value):
                raise CardNumberRefused("")
            faults.add("", "unknown-field", f"may hold {', '.join(known)} only")
        elif name in values:
            faults.add(f"/{name}", "duplicate-key", "is given more than once")
        else:
            values[name] = _value(name, value, known[name].type, rules, unlike_cards, faults)
    for name, field in known.items():
        if field.required and name not in document.values:
            faults.add(f"/{name}", "missing", "is required")
    return values


def _value(
    name: str,
    value: Any,
    kind: Any,
    rules: Mapping[str, str],
    unlike_cards: AbstractSet[str],
    faults: Faults,
) -> Any:
    pointer = f"/{name}"
    if isinstance(value, Number):
        value = value.value()
    if isinstance(value, str):
        if not check_characters(value, pointer, faults, allowed=""):
            return None
        if name not in unlike_cards and holds_card_number(value):
            raise CardNumberRefused(pointer)
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        # The library's own words quote the value.
        faults.add(pointer, "invalid-value", rules[name])
    return value
