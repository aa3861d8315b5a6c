"""``clearhouse webhooks``: merchants' endpoints, and what is delivered to them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, TypeVar
from uuid import UUID

import msgspec
from cyclopts import Parameter, validators
from rich.markup import escape
from rich.table import Table

from clearhouse.bootstrap import Runtime
from clearhouse.bootstrap.merchants import delivery_log, endpoint_service
from clearhouse.cli.actor import actor
from clearhouse.cli.console import err, out, print_data
from clearhouse.cli.database import with_runtime
from clearhouse.cli.options import NO_OPTIONS, Common
from clearhouse.kernel.errors import ConfigurationError, InvalidRequest, NotFound
from clearhouse.webhooks.outgoing.endpoints import EndpointService
from clearhouse.webhooks.outgoing.lifecycle import DeliveryState, EndpointState
from clearhouse.webhooks.outgoing.log import DeliveryLog
from clearhouse.webhooks.outgoing.model import (
    Delivery,
    DeliveryKey,
    Endpoint,
    Try,
    Wanted,
    delivery_key_of,
    endpoint_id_of,
)

Result = TypeVar("Result")
Json = Annotated[bool, Parameter(help="JSON, for scripts.")]
Reason = Annotated[str, Parameter(help="Why, for the audit log.")]
_ALL_AT_MOST = 100_000


@dataclass(frozen=True, slots=True)
class _Rooms:
    endpoints: EndpointService
    log: DeliveryLog


def list_endpoints(
    *,
    seller: Annotated[str | None, Parameter(help="Only endpoints for this seller.")] = None,
    json: Json = False,
    common: Common = NO_OPTIONS,
) -> None:
    """List the webhook endpoints, the newest first.

    **Examples**

    ```shell
    clearhouse webhooks endpoints
    clearhouse webhooks endpoints --json
    ```
    """
    page = _with(common, lambda rooms: rooms.endpoints.endpoints(seller, limit=_ALL_AT_MOST))
    if json:
        print_data([_row(one) for one in page.endpoints])
        return
    if not page.endpoints:
        err.print("There is no webhook endpoint; `clearhouse webhooks create URL` adds one.")
        return
    table = _table("endpoint", "url", "events", "state", fold=("url", "events"))
    for one in page.endpoints:
        events = ", ".join(one.filters) or "everything"
        if one.seller_account:
            events += f"; of {one.seller_account}"
        table.add_row(one.public_id, escape(one.url), escape(events), _state(one))
    out.print(table)


def create_endpoint(
    url: str,
    *,
    event: Annotated[
        tuple[str, ...], Parameter(help="A type, or refund.*; repeat it. All, when not given.")
    ] = (),
    seller: Annotated[str | None, Parameter(help="Send only what concerns this seller.")] = None,
    description: Annotated[str, Parameter(help="What people call it.")] = "",
    json: Json = False,
    common: Common = NO_OPTIONS,
) -> None:
    """Add a webhook endpoint and show its secret, this once.

    The secret alone goes to stdout, so that a script can keep it.

    **Examples**

    ```shell
    clearhouse webhooks create https://hooks.shop.com/in
    SECRET=$(clearhouse webhooks create https://hooks.shop.com/in --event 'refund.*')
    ```

    Parameters
    ----------
    url
        Where messages are sent: https, and a name of the internet.
    """
    wanted, who = Wanted(None, event, description), actor()
    made = _with(common, lambda rooms: rooms.endpoints.create(who, url, wanted, seller))
    if json:
        print_data({**_row(made.endpoint), "secret": made.secret})
        return
    err.print(f"[good]Added[/good] {made.endpoint.public_id}.")
    err.print("Keep its secret now: it is shown once.", style="quiet")
    out.print(made.secret, soft_wrap=True, markup=False)


def rotate_secret(
    endpoint: str,
    *,
    overlap_hours: Annotated[
        int,
        Parameter(
            help="How long the old secret signs on.", validator=validators.Number(gte=0, lte=168)
        ),
    ] = 24,
    common: Common = NO_OPTIONS,
) -> None:
    """Make a new secret for an endpoint and show it, this once.

    Parameters
    ----------
    endpoint
        Its id, as `clearhouse webhooks endpoints` shows it.
    """
    found, who, overlap = _id(endpoint), actor(), timedelta(hours=overlap_hours)
    made = _with(common, lambda rooms: rooms.endpoints.rotate(who, found, overlap))
    err.print(f"[good]Rotated[/good]; the old secret signs on for {overlap_hours} hours.")
    out.print(made.secret, soft_wrap=True, markup=False)


def enable_endpoint(
    endpoint: str, *, reason: Reason = "switched on by hand", common: Common = NO_OPTIONS
) -> None:
    """Send to an endpoint again; what failed meanwhile is sent by `clearhouse webhooks resend`.

    Parameters
    ----------
    endpoint
        Its id.
    """
    found, who = _id(endpoint), actor()
    _with(common, lambda rooms: rooms.endpoints.enable(who, found, reason))
    err.print(f"[good]Enabled[/good] {endpoint}.")


def disable_endpoint(
    endpoint: str, *, reason: Reason = "switched off by hand", common: Common = NO_OPTIONS
) -> None:
    """Send nothing to an endpoint any more; what waits has failed.

    Parameters
    ----------
    endpoint
        Its id.
    """
    found, who = _id(endpoint), actor()
    _with(common, lambda rooms: rooms.endpoints.disable(who, found, reason))
    err.print(f"[good]Disabled[/good] {endpoint}.")


def delete_endpoint(endpoint: str, *, common: Common = NO_OPTIONS) -> None:
    """Delete an endpoint and its secrets; its deliveries stay to be looked at.

    Parameters
    ----------
    endpoint
        Its id.
    """
    found, who = _id(endpoint), actor()
    _with(common, lambda rooms: rooms.endpoints.delete(who, found))
    err.print(f"[good]Deleted[/good] {endpoint}.")


def try_endpoint(endpoint: str, *, common: Common = NO_OPTIONS) -> None:
    """Send an endpoint a message that says nothing, to see whether it works.

    Parameters
    ----------
    endpoint
        Its id.
    """
    found = _id(endpoint)
    key = _with(common, lambda rooms: rooms.endpoints.try_out(found))
    err.print("[good]It is sent[/good] as soon as a worker runs; see what came of it with")
    out.print(f"clearhouse webhooks deliveries {endpoint} {key.message_id}", soft_wrap=True)


def list_deliveries(
    endpoint: str,
    message: str | None = None,
    *,
    state: Annotated[
        str | None, Parameter(help=f"Only those in this state: {', '.join(DeliveryState)}.")
    ] = None,
    limit: Annotated[
        int, Parameter(help="How many at most.", validator=validators.Number(gte=1, lte=10_000))
    ] = 50,
    json: Json = False,
    common: Common = NO_OPTIONS,
) -> None:
    """List what was sent to an endpoint, the newest first, or show one message whole.

    **Examples**

    ```shell
    clearhouse webhooks deliveries we_019ca8d5a4c17d0e9b1e6a5f0c3b2d41 --state failed
    ```

    Parameters
    ----------
    endpoint
        Its id, also of one that was deleted.
    message
        A `webhook-id`: show its body and each try.
    """
    found = _id(endpoint)
    if message is not None:
        key = _key(found, message)
        _show(*_with(common, lambda rooms: rooms.log.delivery(key)), json=json)
        return
    if state is not None and state not in tuple(DeliveryState):
        hint = f"There are {', '.join(DeliveryState)}."
        raise ConfigurationError(f"There is no state {state}.", hint=hint)
    wanted = DeliveryState(state) if state else None
    page = _with(common, lambda rooms: rooms.log.deliveries(found, wanted, None, limit))
    if json:
        print_data([_delivery(one) for one in page.deliveries])
        return
    if not page.deliveries:
        err.print("Nothing was sent to it yet." if state is None else f"Nothing is {state}.")
        return
    table = _table("message", "type", "about", "state", "tries", "last", fold=("about", "last"))
    for one in page.deliveries:
        last = one.last_error or ("" if one.last_status is None else f"HTTP {one.last_status}")
        cells = (one.key.message_id, one.type, one.object_id, one.state, str(one.tries), last)
        table.add_row(*map(escape, cells))
    out.print(table)
    if page.more:
        err.print(f"There are more; --limit shows more than {limit}.", style="quiet")


def resend(
    endpoint: str,
    message: str | None = None,
    *,
    since: Annotated[
        str | None, Parameter(help="All that was told from then on: 2026-03-01T12:00, in UTC.")
    ] = None,
    until: Annotated[str | None, Parameter(help="All that was told before then.")] = None,
    all: Annotated[  # noqa: A002 - the option
        bool, Parameter(help="What was delivered too, not only what failed.")
    ] = False,
    common: Common = NO_OPTIONS,
) -> None:
    """Send one message again, or all that failed since a time.

    **Examples**

    ```shell
    clearhouse webhooks resend we_019ca8d5... msg_019ca8d5..._3
    clearhouse webhooks resend we_019ca8d5... --since 2026-03-01T12:00
    ```

    Parameters
    ----------
    endpoint
        Its id.
    message
        The `webhook-id` of one message.
    """
    found, who = _id(endpoint), actor()
    if (message is None) == (since is None):
        raise ConfigurationError("Say which: a message, or --since a time.")
    if message is not None:
        key = _key(found, message)
        _with(common, lambda rooms: rooms.log.resend(who, key))
        err.print(f"[good]{message} is sent again.[/good]")
        return
    first, last = _moment(since or ""), _moment(until) if until else None
    states = (DeliveryState.FAILED, DeliveryState.DELIVERED) if all else (DeliveryState.FAILED,)
    count = _with(common, lambda rooms: rooms.log.resend_since(who, found, first, last, states))
    err.print(f"[good]Sent again:[/good] {count:,}.")


def _with(common: Common, work: Callable[[_Rooms], Awaitable[Result]]) -> Result:
    settings = common.load().settings

    def in_rooms(runtime: Runtime) -> Awaitable[Result]:
        return work(_Rooms(endpoint_service(runtime, settings), delivery_log(runtime)))

    try:
        return with_runtime(settings, "webhooks", in_rooms, size=1)
    except InvalidRequest as error:
        told = "\n".join(f"{fault.pointer[1:]}: {fault.detail}" for fault in error.faults)
        raise ConfigurationError("The endpoint is not valid.", hint=told) from None


def _id(endpoint: str) -> UUID:
    found = endpoint_id_of(endpoint)
    if found is None:
        hint = "`clearhouse webhooks endpoints` lists them."
        raise NotFound(f"There is no webhook endpoint {endpoint[:80]}.", hint=hint)
    return found


def _key(endpoint_id: UUID, message: str) -> DeliveryKey:
    found = delivery_key_of(endpoint_id, message)
    if found is None:
        hint = "`clearhouse webhooks deliveries ENDPOINT` lists them."
        raise NotFound(f"There is no message {message[:80]}.", hint=hint)
    return found


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        hint = "Write it as 2026-03-01T12:00, in UTC, or with an offset."
        raise ConfigurationError(f"{text[:40]!r} is no time.", hint=hint) from None


def _table(*columns: str, fold: tuple[str, ...]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="quiet")
    for column in columns:
        table.add_column(column, no_wrap=column not in fold, overflow="fold")
    return table


def _state(endpoint: Endpoint) -> str:
    if endpoint.state is EndpointState.DISABLED:
        return f"[bad]disabled[/bad]: {escape(endpoint.disabled_reason or '')}"
    if endpoint.failing_since is not None:
        return f"[warn]fails since {endpoint.failing_since:%Y-%m-%d %H:%M}[/warn]"
    return "[good]enabled[/good]"


def _show(delivery: Delivery, tries: list[Try], *, json: bool) -> None:
    if json:
        body = msgspec.Raw(delivery.payload.encode())
        log = [{**msgspec.to_builtins(one)} for one in tries]
        print_data({**_delivery(delivery), "payload": body, "log": log})
        return
    for name, value in _delivery(delivery).items():
        if value is not None:
            out.print(f"[quiet]{name:13}[/quiet] {escape(str(value))}", soft_wrap=True)
    out.print(delivery.payload, markup=False, soft_wrap=True)
    for one in tries:
        told = one.error or f"HTTP {one.status}"
        line = f"{one.number:>3}  {one.at:%Y-%m-%d %H:%M:%S}  {told}  ({one.milliseconds} ms)"
        out.print(line, markup=False, soft_wrap=True)


def _row(endpoint: Endpoint) -> dict[str, object]:
    return {
        "endpoint_id": endpoint.public_id,
        "url": endpoint.url,
        "description": endpoint.description,
        "events": endpoint.filters,
        "seller_account": endpoint.seller_account,
        "state": endpoint.state,
        "disabled_reason": endpoint.disabled_reason,
        "failing_since": endpoint.failing_since,
        "created_at": endpoint.created_at,
    }


def _delivery(delivery: Delivery) -> dict[str, object]:
    return {
        "message_id": delivery.key.message_id,
        "type": delivery.type,
        "object_id": delivery.object_id,
        "version": delivery.key.version,
        "state": delivery.state,
        "tries": delivery.tries,
        "last_status": delivery.last_status,
        "last_error": delivery.last_error,
        "next_try_at": delivery.next_at,
        "created_at": delivery.created_at,
    }
