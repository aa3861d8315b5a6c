"""The Stripe adapter: what it is called, what it must be told, and its rooms put together."""

from datetime import timedelta
from typing import Final

from clearhouse.psp.contract import Capabilities, PspConfig
from clearhouse.psp.credentials import Credential, read_credentials
from clearhouse.psp.stripe.books import Books
from clearhouse.psp.stripe.charges import ChargeCalls
from clearhouse.psp.stripe.connection import Connection
from clearhouse.psp.stripe.disputes import DisputeCalls
from clearhouse.psp.stripe.operations import OperationCalls
from clearhouse.psp.stripe.pages import PageCalls
from clearhouse.psp.stripe.settlements import ReportCalls
from clearhouse.psp.stripe.walking import KEY_LIFETIME
from clearhouse.psp.stripe.webhooks import WebhookReader

NAME: Final = "stripe"

CREDENTIALS: Final = (
    Credential("secret_key", "the secret API key, sk_test_... or sk_live_...", secret=True),
    Credential(
        "webhook_secrets",
        "the signing secrets of the webhook endpoint, whsec_...; several, with commas between"
        " them, while one is rotated",
        secret=True,
        required=False,
    ),
)

CAPABILITIES: Final = Capabilities(
    idempotency_key_length=255,
    idempotency_key_lifetime=KEY_LIFETIME,
    repeat_is_lookup=False,
    look_up_proves_after=timedelta(minutes=10),
)


def create(config: PspConfig) -> "StripePsp":
    """An adapter; raises ConfigurationError without ``secret_key``."""
    return StripePsp(config)


class StripePsp(
    ChargeCalls, OperationCalls, PageCalls, DisputeCalls, Books, ReportCalls, WebhookReader
):
    """Stripe as the contract has it. One object belongs to one event loop.

    Each room it inherits holds one protocol: what it calls, and how it reads the replies.
    """

    name = NAME
    capabilities = CAPABILITIES

    def __init__(self, config: PspConfig) -> None:
        given = read_credentials(NAME, CREDENTIALS, config.credentials)
        self._connection = Connection(given["secret_key"], config)
        secrets = (secret.strip() for secret in given["webhook_secrets"].split(","))
        self._webhook_secrets = tuple(filter(None, secrets))

    async def close(self) -> None:
        """Close the connections."""
        await self._connection.close()
