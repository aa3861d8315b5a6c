"""What all parts of the adapter share: the SDK, its threads, and how calls are made safe."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from clearhouse.kernel.errors import UnavailableError
from clearhouse.psp.braintree.gateway import Gateway
from clearhouse.psp.braintree.threads import Threads
from clearhouse.psp.credentials import PerCurrency

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Connection:
    """One merchant at Braintree; ``keyed`` says whether ``api_request_key`` may be used."""

    gateway: Gateway
    threads: Threads
    accounts: PerCurrency
    keyed: bool

    async def call(self, work: Callable[[Gateway], T]) -> T:
        """Make calls on a thread. Raises the SDK's exceptions, and TimeoutError."""
        return await self.threads.run(lambda: work(self.gateway))

    async def read(self, work: Callable[[Gateway], T]) -> T:
        """Make calls that only read. Raises UnavailableError."""
        try:
            return await self.call(work)
        except Exception as error:  # noqa: BLE001 - the SDK and its transport raise all kinds
            raise unread(error) from None

    def key(self, idempotency_key: str) -> dict[str, str]:
        """The parameter that makes a call at most one, where the merchant has it."""
        return {"api_request_key": idempotency_key} if self.keyed else {}


def unread(error: Exception) -> UnavailableError:
    """What a reader is told, whatever went wrong."""
    return UnavailableError(f"Braintree's records could not be read ({type(error).__name__}).")
