"""Nonces that a browser got for a card: good for one use, within three hours.

What is kept of the card is what an ``Instrument`` holds, and the answer to its CVV.
"""

from datetime import datetime, timedelta
from typing import Final

import msgspec

from clearhouse.sandbox.braintree.nonces import Instrument, NonceRefused
from clearhouse.sandbox.braintree.store import PSP, Merchant
from clearhouse.sandbox.objects import Shelf

LIFETIME: Final = timedelta(hours=3)


class Issued(msgspec.Struct, frozen=True):
    """One nonce. ``secure`` names what its card's bank does in 3-D Secure (``secure.py``).

    ``shown`` is what the browser may see of the card, ``declines`` whether the card fails a
    verification in the vault.
    """

    nonce: str
    instrument: Instrument
    created_at: datetime
    cvv: str = "I"
    secure: str = ""
    shown: dict[str, str] = {}
    consumed: bool = False
    declines: bool = False


class Nonces:
    """One merchant's nonces; writes belong into ``core.truth.transaction()``."""

    def __init__(self, merchant: Merchant) -> None:
        self._merchant = merchant
        self._shelf = Shelf(PSP, merchant.id, "nonce")

    def issue(self, draft: Issued) -> Issued:
        """Give a nonce, whatever the draft's is, to a card."""
        core = self._merchant.core
        name = f"tokencc_bc_{'_'.join(core.name(6).lower() for _ in range(4))}_{core.name(3)}"
        made = msgspec.structs.replace(
            draft, nonce=name, created_at=self._merchant.now(), consumed=False
        )
        self._keep(made)
        return made

    def find(self, nonce: str) -> Issued | None:
        """A nonce, or None when it was never issued."""
        body = self._merchant.core.objects.get(self._shelf, nonce)
        return None if body is None else msgspec.convert(body, Issued)

    def use(self, nonce: str) -> Issued | None:
        """Take a nonce for its one use; None when it was never issued. Raises NonceRefused."""
        found = self.find(nonce)
        if found is None:
            return None
        if found.consumed:
            raise NonceRefused("consumed")
        if self._merchant.now() - found.created_at > LIFETIME:
            raise NonceRefused("unknown")
        self._keep(msgspec.structs.replace(found, consumed=True))
        return found

    def pay(self, nonce: str) -> tuple[Instrument, str] | None:
        """Use a nonce up for a sale: its instrument, and the answer to its CVV."""
        found = self.use(nonce)
        return None if found is None else (found.instrument, found.cvv)

    def _keep(self, issued: Issued) -> None:
        body = msgspec.to_builtins(issued)
        now = self._merchant.core.now_us()
        self._merchant.core.objects.put(self._shelf, issued.nonce, body, created_at=now)
