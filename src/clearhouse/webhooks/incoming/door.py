"""Where PSPs knock: a webhook is authenticated on its raw bytes, stored, and nothing more."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from clearhouse.kernel.clock import Clock
from clearhouse.kernel.errors import NotFound
from clearhouse.psp.notices import RawWebhook, WebhookChallenge, Webhooks
from clearhouse.webhooks.incoming.service import Inbox

PATH: Final = "/v1/webhooks/"
"""Before the PSP's name: the address that is registered with it."""

Adapters = Callable[[str], Awaitable[object | None]]
"""The adapter of a PSP by its name, or None for one that is not offered."""


class WebhookDoor:
    """Takes webhooks of all PSPs that send any; ``public_url`` is how they reach us."""

    def __init__(self, inbox: Inbox, clock: Clock, adapters: Adapters, public_url: str) -> None:
        self._inbox = inbox
        self._clock = clock
        self._adapters = adapters
        self._public_url = public_url.rstrip("/")

    async def receive(self, psp: str, headers: Mapping[str, str], body: bytes) -> bool:
        """Store an authentic webhook; False when it had come before.

        ``headers`` have lower-case names. Raises NotFound for a PSP that sends none, NotAuthentic
        (nothing is stored then), and UnavailableError.
        """
        adapter = await self._adapters(psp)
        if not isinstance(adapter, Webhooks):
            raise NotFound("No PSP of this name sends webhooks here.")
        url = f"{self._public_url}{PATH}{psp}"
        received = adapter.receive(RawWebhook(headers, body, url), self._clock.now())
        return await self._inbox.keep(psp, received, body)

    async def challenge(self, psp: str, query: Mapping[str, str]) -> str:
        """The answer to a PSP that checks the address first. Raises NotFound, NotAuthentic."""
        adapter = await self._adapters(psp)
        if not isinstance(adapter, WebhookChallenge):
            raise NotFound("No PSP of this name checks addresses here.")
        return adapter.answer(query)
