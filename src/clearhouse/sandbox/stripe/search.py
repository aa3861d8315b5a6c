"""Stripe's search language: ``metadata['order_id']:'o1' AND status:'succeeded'``."""

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from clearhouse.sandbox.stripe.errors import StripeError, invalid
from clearhouse.sandbox.stripe.shapes import Json

_CLAUSE: Final = re.compile(
    r"""\s*(?P<not>-?)(?P<field>[a-z_]+)(?:\[(?P<q>['"])(?P<name>(?:\\.|(?!(?P=q)).)*)(?P=q)\])?
    (?P<op>>=|<=|[:~<>])(?:(?P<vq>['"])(?P<quoted>(?:\\.|(?!(?P=vq)).)*)(?P=vq)|(?P<bare>[^\s'"]+))
    \s*""",
    re.VERBOSE | re.DOTALL,
)
_JOINT: Final = re.compile(r"\s*(AND|OR|and|or)\s+")
_FIELDS: Final = {"amount", "created", "currency", "customer", "status", "metadata"}
_NUMBERS: Final = {"amount", "created"}
_COMPARE: Final[dict[str, Callable[[Any, Any], bool]]] = {
    ":": operator.eq,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Clause:
    """One comparison; ``field`` is dotted for metadata."""

    field: str
    op: str
    value: str
    negated: bool

    def matches(self, body: Json) -> bool:
        """Does an object fit? A missing field fits only a negated clause."""
        return self._fits(body) != self.negated

    def _fits(self, body: Json) -> bool:
        root, _, name = self.field.partition(".")
        value: Any = body["metadata"].get(name) if name else body.get(root)
        if value is None:
            return False
        if root in _NUMBERS:
            return _COMPARE[self.op](value, int(self.value))
        if self.op == "~":
            return self.value.lower() in str(value).lower()
        return str(value).lower() == self.value.lower()


@dataclass(frozen=True, slots=True)
class Query:
    """Clauses that must all fit, or of which one must (``any``)."""

    clauses: tuple[Clause, ...]
    any: bool

    def matches(self, body: Json) -> bool:
        """Does an object fit the whole query?"""
        fits = (clause.matches(body) for clause in self.clauses)
        return any(fits) if self.any else all(fits)

    def marks(self) -> dict[str, str]:
        """The exact metadata that every hit must carry, to find it by index."""
        if self.any:
            return {}
        return {
            clause.field: clause.value
            for clause in self.clauses
            if clause.field.startswith("metadata.") and clause.op == ":" and not clause.negated
        }


def parse(text: str) -> Query:
    """A query, or StripeError in Stripe's words when it is not one."""
    clauses: list[Clause] = []
    joints: set[str] = set()
    end = 0
    while True:
        match = _CLAUSE.match(text, end)
        if match is None:
            raise _wrong()
        clauses.append(_clause(match))
        end = match.end()
        if end >= len(text):
            break
        joint = _JOINT.match(text, end)
        if joint is None:
            raise _wrong()
        joints.add(joint[1].upper())
        end = joint.end()
    if len(joints) > 1:
        raise invalid("You cannot combine AND and OR in one search query.", param="query")
    return Query(tuple(clauses), any="OR" in joints)


def _clause(match: re.Match[str]) -> Clause:
    field, op = match["field"], match["op"]
    value = match["bare"] if match["quoted"] is None else _ESCAPED.sub(r"\1", match["quoted"])
    if field not in _FIELDS or (field == "metadata") != (match["name"] is not None):
        raise invalid(f"Field `{field}` is an unsupported search field.", param="query")
    if field in _NUMBERS:
        if op == "~" or not re.fullmatch(r"-?[0-9]{1,18}", value):
            raise _wrong()
    elif op not in {":", "~"}:
        raise _wrong()
    if match["name"] is not None:
        field = "metadata." + _ESCAPED.sub(r"\1", match["name"])
    return Clause(field, op, value, bool(match["not"]))


def _wrong() -> StripeError:
    return invalid("We were unable to parse your search query.", param="query")
