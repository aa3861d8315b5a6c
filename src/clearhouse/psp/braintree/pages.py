"""The Drop-in: Braintree has no page of its own, so its fields come into a page of ours."""

from clearhouse.kernel.errors import UnavailableError
from clearhouse.psp.braintree.connection import Connection


class PageCalls:
    """The protocol DropIn."""

    _connection: Connection

    async def client_token(self, currency: str) -> str:
        """A token for the currency's merchant account. Raises UnavailableError."""
        account = self._connection.accounts.of(currency)
        if account is None:
            raise UnavailableError(
                f"Braintree has no merchant account for {currency}.",
                hint="Add one to merchant_accounts.",
            )
        return await self._connection.read(lambda gateway: gateway.client_token(account))
