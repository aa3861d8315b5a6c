"""``expand[0]=latest_charge``: ids in an answer replaced by the objects they name."""

from typing import Final, cast

from clearhouse.sandbox.stripe.errors import invalid
from clearhouse.sandbox.stripe.form import Params
from clearhouse.sandbox.stripe.shapes import Json
from clearhouse.sandbox.stripe.shelves import Shelves

_KINDS: Final = {
    "latest_charge": "charge",
    "charge": "charge",
    "payment_intent": "payment_intent",
    "payment_method": "payment_method",
    "balance_transaction": "balance_transaction",
    "review": "review",
    "refund": "refund",
    "failure_balance_transaction": "balance_transaction",
}
_SOURCES: Final = {"ch": "charge", "re": "refund", "du": "dispute", "po": "payout"}
"""The kind of a balance transaction's source, by the prefix of its id."""
_FIELDS: Final = {
    "payment_intent": {"latest_charge", "payment_method", "review"},
    "charge": {"balance_transaction", "payment_intent", "review"},
    "review": {"charge", "payment_intent"},
    "balance_transaction": {"source"},
    "refund": {"balance_transaction", "charge", "failure_balance_transaction", "payment_intent"},
    "dispute": {"charge", "payment_intent"},
    "checkout.session": {"payment_intent"},
}
_NOTHING_TO_FETCH: Final = {"customer", "on_behalf_of", "application", "source_transfer"}
_DEEPEST: Final = 4


def paths(params: Params) -> list[list[str]]:
    """The paths asked for. Raises StripeError when ``expand`` is no list or a path is too deep."""
    asked = params.get("expand", [])
    if not isinstance(asked, list):
        raise invalid("Invalid array", param="expand")
    split = [str(path).split(".") for path in cast("list[object]", asked)]
    for path in split:
        if len(path) > _DEEPEST:
            raise invalid(f"You cannot expand more than {_DEEPEST} levels of a property")
    return split


def expand(shelves: Shelves, body: Json, wanted: list[list[str]]) -> Json:
    """Replace what is asked for, in place. Raises StripeError on a path that leads nowhere."""
    for path in wanted:
        _follow(shelves, body, path, ".".join(path))
    return body


def _follow(shelves: Shelves, body: Json, path: list[str], whole: str) -> None:
    name, rest = path[0], path[1:]
    if name == "data" and body["object"] in {"list", "search_result"} and rest:
        for item in body["data"]:
            _follow(shelves, item, rest, whole)
        return
    if name in _NOTHING_TO_FETCH and name in body and not rest:
        return
    if name not in _FIELDS.get(body["object"], ()):
        raise invalid(f"This property cannot be expanded ({whole}).")
    value = body[name]
    if isinstance(value, str):
        kind = _SOURCES[value.split("_")[0]] if name == "source" else _KINDS[name]
        value = body[name] = shelves.load(kind, value)
    if rest and value is not None:
        _follow(shelves, value, rest, whole)
