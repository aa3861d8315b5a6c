"""The Braintree adapter: what it is called, what it must be told, and its rooms put together."""

from dataclasses import replace
from datetime import timedelta
from typing import Final

from clearhouse.kernel.errors import ConfigurationError
from clearhouse.psp.braintree.books import Books
from clearhouse.psp.braintree.charges import ChargeCalls
from clearhouse.psp.braintree.connection import Connection
from clearhouse.psp.braintree.disputes import DisputeCalls
from clearhouse.psp.braintree.gateway import Gateway
from clearhouse.psp.braintree.notifications import KeyPairs
from clearhouse.psp.braintree.operations import OperationCalls
from clearhouse.psp.braintree.pages import PageCalls
from clearhouse.psp.braintree.settlements import ReportCalls
from clearhouse.psp.braintree.threads import Threads
from clearhouse.psp.braintree.webhooks import WebhookCalls
from clearhouse.psp.contract import Capabilities, PspConfig
from clearhouse.psp.credentials import Credential, PerCurrency, read_credentials

NAME: Final = "braintree"

CREDENTIALS: Final = (
    Credential("merchant_id", "the merchant's id", secret=False),
    Credential("public_key", "the public API key", secret=False),
    Credential("private_key", "the private API key", secret=True),
    Credential(
        "merchant_accounts",
        'the merchant account per currency: "USD=shop_usd, EUR=shop_eur", or a pattern such as'
        ' "shop_{currency}"; Braintree takes the currency from it',
        secret=False,
    ),
    Credential(
        "environment",
        "sandbox or production; a base URL goes before it",
        secret=False,
        required=False,
        default="sandbox",
    ),
    Credential(
        "idempotency",
        "key where Braintree has enabled api_request_key for the merchant, else order_id:"
        " nothing is ever repeated then, only looked up",
        secret=False,
        required=False,
        default="key",
    ),
    Credential(
        "webhook_keys",
        'further pairs of API keys that webhooks may be signed with: "public|private, ...";'
        " needed while the pair above is being replaced",
        secret=True,
        required=False,
    ),
)

CAPABILITIES: Final = Capabilities(
    idempotency_key_length=255,
    # A window of 30 days; a day less leaves room for skew and for how it is counted.
    idempotency_key_lifetime=timedelta(days=29),
    repeat_is_lookup=False,
)

_WITHOUT_KEYS: Final = replace(CAPABILITIES, idempotency_key_lifetime=timedelta(0))
"""A key of which Braintree knows nothing has no life: one call, and only look-ups after it."""

_IDEMPOTENCY: Final = frozenset({"key", "order_id"})


def create(config: PspConfig) -> "BraintreePsp":
    """An adapter; raises ConfigurationError for missing credentials or a wrong environment."""
    return BraintreePsp(config)


class BraintreePsp(
    ChargeCalls, OperationCalls, DisputeCalls, PageCalls, WebhookCalls, Books, ReportCalls
):
    """Braintree as the contract has it, on a bounded pool of threads: its SDK blocks.

    ============================================  ========================================
    ``submitted_for_settlement`` to ``settled``   Succeeded
    ``settlement_declined``, ``_failed``          Reversed
    ``authorized``, ``authorizing``,              Pending
    ``settlement_pending``
    ``processor_declined``, ``failed``,           Declined
    ``gateway_rejected``, ``voided``, expired
    validation errors                             Declined
    401, 403, 426, 429, connection refused,       NotCharged
    915231 (keys not enabled)
    other statuses, cut connection, time limit,   Unknown
    915233 (in flight), 915235
    rejected as ``duplicate``, 915232, 915234     what a look-up finds
    ============================================  ========================================

    ``payment_method`` is a nonce, good for one charge, or ``token:...`` for a vaulted method,
    which a basket with several sellers needs. Each room it inherits holds one protocol.
    """

    name = NAME

    def __init__(self, config: PspConfig) -> None:
        values = read_credentials(NAME, CREDENTIALS, config.credentials)
        if values["idempotency"] not in _IDEMPOTENCY:
            raise ConfigurationError(
                "The PSP braintree does not know this idempotency.",
                hint="Write key, or order_id for a merchant without api_request_key.",
            )
        keyed = values["idempotency"] == "key"
        self.capabilities = CAPABILITIES if keyed else _WITHOUT_KEYS
        pairs = [(values["public_key"], values["private_key"]), *_pairs(values["webhook_keys"])]
        self._key_pairs = KeyPairs(values["merchant_id"], pairs)
        self._connection = Connection(
            gateway=Gateway(values, config.base_url, config.timeout_seconds),
            threads=Threads(NAME, config.concurrency, config.timeout_seconds),
            accounts=PerCurrency.parse(NAME, "merchant_accounts", values["merchant_accounts"]),
            keyed=keyed,
        )
        self._download_limits = (config.base_url is not None, config.timeout_seconds)

    async def close(self) -> None:
        """Wait for the calls in flight, end the threads, close the connections."""
        await self._connection.threads.close()
        self._connection.gateway.close()


def _pairs(text: str) -> list[tuple[str, str]]:
    """The pairs of keys in a setting. Raises ConfigurationError, which shows none of them."""
    pairs: list[tuple[str, str]] = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        public, bar, private = (piece.strip() for piece in part.partition("|"))
        if not (public and bar and private and part.isascii()):
            raise ConfigurationError(
                "The PSP braintree cannot read webhook_keys.",
                hint='Write "public|private", and commas between several pairs.',
            )
        pairs.append((public, private))
    return pairs
