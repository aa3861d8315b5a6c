"""Retrieve, list and search: the reading side of Stripe's objects."""

from typing import Final

from clearhouse.sandbox.core import Core
from clearhouse.sandbox.stripe import search as language
from clearhouse.sandbox.stripe import values
from clearhouse.sandbox.stripe.endpoint import Call, Reader
from clearhouse.sandbox.stripe.errors import invalid, missing, not_found
from clearhouse.sandbox.stripe.expand import expand, paths
from clearhouse.sandbox.stripe.form import Params
from clearhouse.sandbox.stripe.shapes import Json
from clearhouse.sandbox.stripe.shelves import PSP

_PAGING: Final = {"limit", "starting_after", "ending_before", "created", "expand"}
_SECOND: Final = 1_000_000


def retrieve(kind: str, param: str) -> Reader:
    """GET of one object by its id."""

    def reader(call: Call) -> Json:
        values.known(call.params, {"expand", "client_secret"})
        body = call.shelves.load(kind, call.id)
        if body is None:
            raise not_found(kind, call.id, param=param)
        return expand(call.shelves, body, paths(call.params))

    return reader


def lister(core: Core, kind: str, url: str, marks: tuple[str, ...]) -> Reader:
    """GET of a list, newest first; ``marks`` are the filters by exact value."""

    def reader(call: Call) -> Json:
        params = call.params
        values.known(params, _PAGING | set(marks) | {"customer", "transfer_group"})
        limit = limit_of(params)
        since, until = _created(params)
        after = _cursor(core, call, kind, "starting_after")
        before = _cursor(core, call, kind, "ending_before")
        wanted = {name: str(params[name]) for name in marks if name in params}
        found = core.objects.find(
            call.shelves.shelf(kind),
            marks=wanted,
            created_from=since,
            created_to=until,
            before=after,
            after=before,
            limit=limit + 1,
            newest_first=before is None,
        )
        page = [item.body for item in found[:limit]]
        if before is not None:
            page.reverse()
        body: Json = {"object": "list", "data": page, "has_more": len(found) > limit, "url": url}
        return expand(call.shelves, body, paths(params))

    return reader


def searcher(core: Core, kind: str, url: str) -> Reader:
    """GET of a search; it lags behind writes by the setting ``list_lag_seconds``."""

    def reader(call: Call) -> Json:
        params = call.params
        values.known(params, {"query", "limit", "page", "expand"})
        text = values.text(params, "query")
        if text is None:
            raise missing("query")
        query = language.parse(text)
        limit = limit_of(params)
        place = values.integer(params, "page")
        hits: list[tuple[int, Json]] = []
        while len(hits) <= limit:
            found = core.objects.find(
                call.shelves.shelf(kind),
                marks=query.marks(),
                created_to=core.visible_until(PSP),
                before=place,
                limit=200,
            )
            if not found:
                break
            place = found[-1].seq
            hits += [(item.seq, item.body) for item in found if query.matches(item.body)]
        more = len(hits) > limit
        body: Json = {
            "object": "search_result",
            "data": [hit for _, hit in hits[:limit]],
            "has_more": more,
            "next_page": str(hits[limit - 1][0]) if more else None,
            "url": url,
        }
        return expand(call.shelves, body, paths(params))

    return reader


def limit_of(params: Params) -> int:
    """How many a page has."""
    limit = values.integer(params, "limit")
    if limit is None:
        return 10
    if not 1 <= limit <= 100:
        raise invalid(f"Invalid integer: {limit}, must be between 1 and 100", param="limit")
    return limit


def _created(params: Params) -> tuple[int | None, int | None]:
    """Bounds in microseconds; Stripe's are whole seconds, and an object counts by its second."""
    asked = params.get("created")
    if isinstance(asked, str):
        second = values.required_integer(params, "created")
        return second * _SECOND, (second + 1) * _SECOND - 1
    bounds = values.nested(params, "created")
    values.known(bounds, {"gt", "gte", "lt", "lte"})
    gt, gte = values.integer(bounds, "gt"), values.integer(bounds, "gte")
    lt, lte = values.integer(bounds, "lt"), values.integer(bounds, "lte")
    since = [x for x in (gte, gt + 1 if gt is not None else None) if x is not None]
    until = [x for x in (lte, lt - 1 if lt is not None else None) if x is not None]
    return (
        max(since) * _SECOND if since else None,
        (min(until) + 1) * _SECOND - 1 if until else None,
    )


def _cursor(core: Core, call: Call, kind: str, name: str) -> int | None:
    identifier = values.text(call.params, name)
    if identifier is None:
        return None
    seq = core.objects.seq(call.shelves.shelf(kind), identifier)
    if seq is None:
        raise not_found(kind, identifier, param=name, status=400)
    return seq
