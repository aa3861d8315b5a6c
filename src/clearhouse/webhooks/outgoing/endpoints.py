"""The verbs of endpoints: add, change, switch, rotate, try out. The audit log has them all."""

from base64 import b64encode
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg

from clearhouse.access.audit_log import Deed, note_deed
from clearhouse.access.encryption import FieldCipher
from clearhouse.kernel.clock import Clock
from clearhouse.kernel.errors import Conflict, EndpointDisabled, Fault, InvalidRequest, NotFound
from clearhouse.kernel.ids import Ids
from clearhouse.kernel.randomness import Randomness
from clearhouse.postgres.connection import Connection, Pool, in_transaction
from clearhouse.webhooks.outgoing import store
from clearhouse.webhooks.outgoing.destinations import DestinationRefused, destination_of
from clearhouse.webhooks.outgoing.lifecycle import EndpointState
from clearhouse.webhooks.outgoing.messages import TEST, is_filter
from clearhouse.webhooks.outgoing.model import (
    DeliveryKey,
    Endpoint,
    EndpointPage,
    NewEndpoint,
    Wanted,
)
from clearhouse.webhooks.outgoing.store import QUERIES

LONGEST_DESCRIPTION: Final = 200
MOST_FILTERS: Final = 50
LONGEST_OVERLAP: Final = timedelta(days=7)
_SECRET_BYTES: Final = 32


class EndpointService:
    """Endpoints of merchants; secrets are sealed with ``cipher``.

    ``private`` allows http and private addresses, for development. ``actor`` is who does a thing,
    for the audit log.
    """

    def __init__(
        self,
        pool: Pool,
        clock: Clock,
        ids: Ids,
        randomness: Randomness,
        cipher: FieldCipher,
        *,
        private: bool,
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._ids = ids
        self._randomness = randomness
        self._cipher = cipher
        self._private = private

    async def create(
        self, actor: str, url: str, wanted: Wanted, seller_account: str | None = None
    ) -> NewEndpoint:
        """A new endpoint with its secret, which is shown this once.

        Raises InvalidRequest, and Conflict when there is one with this URL and seller already.
        """
        self._check(url, wanted)
        now, endpoint_id = self._clock.now(), self._ids.new()

        async def work(connection: Connection) -> NewEndpoint:
            row = await connection.fetchrow(
                QUERIES["add_endpoint"],
                endpoint_id,
                url,
                wanted.description or "",
                wanted.filters or (),
                seller_account,
                now,
            )
            if row is None:
                raise _taken()
            made = store.endpoint_of(row)
            secret = await self._add_secret(connection, endpoint_id, now)
            await self._note(connection, actor, "created", made, f"to {_host(url)}")
            return NewEndpoint(made, secret)

        return await in_transaction(self._pool, self._clock, work)

    async def change(self, actor: str, endpoint_id: UUID, wanted: Wanted) -> Endpoint:
        """Change what is given. Raises InvalidRequest, NotFound, and Conflict as ``create``."""
        self._check(wanted.url, wanted)

        async def work(connection: Connection) -> Endpoint:
            try:
                row = await connection.fetchrow(
                    QUERIES["change_endpoint"],
                    endpoint_id,
                    wanted.url,
                    wanted.description,
                    wanted.filters,
                    self._clock.now(),
                )
            except asyncpg.UniqueViolationError:
                raise _taken() from None
            changed = _found(store.endpoint_of(row) if row else None)
            why = f"to {_host(changed.url)}, events: {', '.join(changed.filters) or 'all'}"
            await self._note(connection, actor, "changed", changed, why)
            return changed

        return await in_transaction(self._pool, self._clock, work)

    async def enable(self, actor: str, endpoint_id: UUID, reason: str) -> Endpoint:
        """Call it again from now on; what failed meanwhile is resent by hand. Raises NotFound."""
        return await self._switch(actor, endpoint_id, EndpointState.ENABLED, reason)

    async def disable(self, actor: str, endpoint_id: UUID, reason: str) -> Endpoint:
        """Stop calling it; what waits counts as failed and may be resent. Raises NotFound."""
        return await self._switch(actor, endpoint_id, EndpointState.DISABLED, reason)

    async def delete(self, actor: str, endpoint_id: UUID) -> None:
        """Forget it and its secrets; its deliveries stay to be looked at. Raises NotFound."""
        now = self._clock.now()

        async def work(connection: Connection) -> None:
            row = await connection.fetchrow(QUERIES["delete_endpoint"], endpoint_id, now)
            gone = _found(store.endpoint_of(row) if row else None)
            await connection.execute(QUERIES["drop_dispatches"], [endpoint_id], now)
            await connection.execute(QUERIES["delete_secrets"], endpoint_id)
            await self._note(connection, actor, "deleted", gone, f"was {_host(gone.url)}")

        await in_transaction(self._pool, self._clock, work)

    async def rotate(self, actor: str, endpoint_id: UUID, overlap: timedelta) -> NewEndpoint:
        """A new secret; the one before signs as well for ``overlap``. Raises NotFound.

        Raises InvalidRequest for an overlap that is negative or longer than a week.
        """
        if not timedelta(0) <= overlap <= LONGEST_OVERLAP:
            fault = Fault("/overlap_hours", "out-of-range", "must be from 0 to 168")
            raise InvalidRequest([fault])
        now = self._clock.now()

        async def work(connection: Connection) -> NewEndpoint:
            endpoint = _found(await store.endpoint(connection, endpoint_id))
            secret = await self._add_secret(connection, endpoint_id, now, overlap)
            hours = f"{overlap / timedelta(hours=1):g}"
            why = f"the one before signs on for {hours} hours"
            await self._note(connection, actor, "secret_rotated", endpoint, why)
            return NewEndpoint(endpoint, secret)

        return await in_transaction(self._pool, self._clock, work)

    async def try_out(self, endpoint_id: UUID) -> DeliveryKey:
        """Send it a message that says nothing. Raises NotFound, EndpointDisabled."""
        now = self._clock.now()

        async def work(connection: Connection) -> DeliveryKey:
            endpoint = _found(await store.endpoint(connection, endpoint_id))
            if endpoint.state is EndpointState.DISABLED:
                raise EndpointDisabled("The endpoint is switched off.", hint="Enable it first.")
            [(_, message)] = await store.notify(connection, TEST, [endpoint_id], now)
            return await store.lay_out_for(connection, message, now)

        return await in_transaction(self._pool, self._clock, work)

    async def endpoint(self, endpoint_id: UUID) -> Endpoint:
        """One endpoint. Raises NotFound."""
        return _found(await store.endpoint(self._pool, endpoint_id))

    async def endpoints(
        self, seller_account: str | None = None, before: UUID | None = None, limit: int = 50
    ) -> EndpointPage:
        """Endpoints, newest first: all, or those of one seller."""
        return await store.endpoints(self._pool, seller_account, before, limit)

    async def _switch(
        self, actor: str, endpoint_id: UUID, state: EndpointState, reason: str
    ) -> Endpoint:
        now = self._clock.now()

        async def work(connection: Connection) -> Endpoint:
            off = state is EndpointState.DISABLED
            row = await connection.fetchrow(
                QUERIES["switch_endpoint"], endpoint_id, state.value, reason if off else None, now
            )
            switched = _found(store.endpoint_of(row) if row else None)
            if off:
                await connection.execute(QUERIES["drop_dispatches"], [endpoint_id], now)
            await self._note(connection, actor, state.value, switched, reason)
            return switched

        return await in_transaction(self._pool, self._clock, work)

    async def _add_secret(
        self,
        connection: Connection,
        endpoint_id: UUID,
        now: datetime,
        overlap: timedelta = timedelta(0),
    ) -> str:
        secret = "whsec_" + b64encode(self._randomness.token(_SECRET_BYTES)).decode()
        secret_id = self._ids.new()
        sealed = self._cipher.seal(secret, secret_place(secret_id))
        await connection.execute(QUERIES["add_secret"], secret_id, endpoint_id, sealed, now)
        await connection.execute(QUERIES["expire_secrets"], endpoint_id, secret_id, now + overlap)
        return secret

    async def _note(
        self, connection: Connection, actor: str, verb: str, endpoint: Endpoint, reason: str
    ) -> None:
        action = f"webhook_endpoint.{verb}"
        deed = Deed(
            self._ids.new(), self._clock.now(), actor, action, endpoint.public_id, reason[:2000]
        )
        await note_deed(connection, deed)

    def _check(self, url: str | None, wanted: Wanted) -> None:
        faults: list[Fault] = []
        filters, description = wanted.filters or (), wanted.description or ""
        if url is not None:
            try:
                destination_of(url, development=self._private)
            except DestinationRefused as error:
                faults.append(Fault("/url", "destination-refused", error.message))
        if len(filters) > MOST_FILTERS:
            faults.append(Fault("/events", "too-many", f"must be at most {MOST_FILTERS}"))
        faults += [
            Fault(f"/events/{place}", "unknown-event", "matches no event type")
            for place, one in enumerate(filters[:MOST_FILTERS])
            if not is_filter(one)
        ]
        if len(description) > LONGEST_DESCRIPTION or not description.isprintable():
            detail = f"must be at most {LONGEST_DESCRIPTION} printable characters"
            faults.append(Fault("/description", "invalid", detail))
        if faults:
            raise InvalidRequest(faults)


def secret_place(secret_id: UUID) -> str:
    """Where a secret is sealed for, so that it opens nowhere else."""
    return f"webhooks.secrets/{secret_id}"


def _found(endpoint: Endpoint | None) -> Endpoint:
    if endpoint is None:
        raise NotFound("There is no webhook endpoint with this id.")
    return endpoint


def _taken() -> Conflict:
    fault = Fault("/url", "already-used", "is the URL of another endpoint")
    return Conflict(
        "There is an endpoint with this URL already.",
        faults=[fault],
        hint="Change its events, or rotate its secret.",
    )


def _host(url: str) -> str:
    """An address without its path, which may hold a secret of the merchant's."""
    return urlsplit(url).netloc
