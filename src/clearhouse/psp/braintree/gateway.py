"""Calls of Braintree's SDK; what leaves this file is typed, frozen and ours.

Blocking: it is called on the adapter's threads. Everything raises the SDK's exceptions.
"""

# The SDK has no types; everything that enters from it is converted where it enters.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false
# pyright: reportMissingParameterType=false, reportAttributeAccessIssue=false

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final

import braintree
from braintree.exceptions.authorization_error import AuthorizationError
from braintree.exceptions.not_found_error import NotFoundError

from clearhouse.psp.braintree.objects import (
    Dispute,
    Refusal,
    Transaction,
    dispute_of,
    settled_of,
    transaction_of,
)
from clearhouse.psp.braintree.wire import Wire, environment_of

_FEES: Final = "query Fees($date: Date!) { report { paymentLevelFees(date: $date) { url } } }"


class Gateway:
    """Sales, what follows them, and searches of one merchant. Any thread may call it."""

    def __init__(
        self, credentials: Mapping[str, str], base_url: str | None, timeout_seconds: float
    ) -> None:
        # The SDK hands it to requests, which takes the time to connect and the time to read.
        limits: Any = (timeout_seconds / 2, timeout_seconds)
        configuration = braintree.Configuration(
            environment_of(credentials["environment"], base_url),
            credentials["merchant_id"],
            credentials["public_key"],
            credentials["private_key"],
            timeout=limits,
            wrap_http_exceptions=True,
            http_strategy=Wire,
        )
        self._wire: Any = configuration.http_strategy()
        self._gateway = braintree.BraintreeGateway(configuration)

    def sale(self, params: dict[str, Any]) -> Transaction | Refusal:
        """Charge, or only authorize."""
        return _reply(self._gateway.transaction.sale(params))

    def submit(self, identifier: str, amount: str, params: dict[str, Any]) -> Transaction | Refusal:
        """Take an authorization, or less of it, and release the rest."""
        return _reply(self._gateway.transaction.submit_for_settlement(identifier, amount, params))

    def void(self, identifier: str, params: dict[str, Any]) -> Transaction | Refusal:
        """Give the buyer's money free before it is settled."""
        return _reply(self._gateway.transaction.void(identifier, params))

    def refund(self, identifier: str, params: dict[str, Any]) -> Transaction | Refusal:
        """Give settled money back, by a new transaction of type credit."""
        return _reply(self._gateway.transaction.refund(identifier, params))

    def refunds_of(self, sale: Transaction) -> list[Transaction]:
        """The credits that gave a sale back; read one by one, so none is missed for being new."""
        found = (self.transaction(identifier) for identifier in sale.refunds)
        return [each for each in found if each is not None]

    def sales_of(self, order_id: str, since: datetime) -> list[Transaction]:
        """All sales with this order id, made since then (aware)."""
        search: Any = braintree.TransactionSearch
        found: Any = self._gateway.transaction.search(
            [search.order_id == order_id, search.created_at >= _naive(since)]
        )
        sales = [transaction_of(each) for each in found if each.type == "sale"]
        return [sale for sale in sales if sale.order_id == order_id]

    def sales_between(self, since: datetime, until: datetime) -> Iterator[Transaction]:
        """All sales made in a window (aware); each page is fetched when its first is taken."""
        search: Any = braintree.TransactionSearch
        window: Any = search.created_at.between(_naive(since), _naive(until))
        found: Any = self._gateway.transaction.search([window, search.type == "sale"])
        return (transaction_of(each) for each in found if each.type == "sale")

    def transaction(self, identifier: str) -> Transaction | None:
        """One transaction of either type, None when there is none."""
        try:
            return transaction_of(self._gateway.transaction.find(identifier))
        except NotFoundError:
            return None

    def client_token(self, merchant_account_id: str) -> str:
        """What a browser's Drop-in starts with."""
        return str(
            self._gateway.client_token.generate({"merchant_account_id": merchant_account_id})
        )

    def dispute(self, identifier: str) -> Dispute | None:
        """One dispute, None when there is none."""
        try:
            return dispute_of(self._gateway.dispute.find(identifier))
        except NotFoundError:
            return None

    def disputes_of(self, transaction_id: str) -> list[Dispute]:
        """All disputes of a transaction."""
        search: Any = braintree.DisputeSearch
        found: Any = self._gateway.dispute.search([search.transaction_id == transaction_id])
        disputes = [dispute_of(each) for each in found.disputes.items]
        return [each for each in disputes if each.transaction_id == transaction_id]

    def disputes_from(self, received: date) -> list[Dispute]:
        """All disputes that Braintree received on that day or later."""
        search: Any = braintree.DisputeSearch
        found: Any = self._gateway.dispute.search([search.received_date >= received.isoformat()])
        return [dispute_of(each) for each in found.disputes.items]

    def add_evidence(self, identifier: str, text: str, category: str) -> Refusal | None:
        """One piece of evidence, under a category or none; None when it was taken."""
        asked = {"content": text} | ({"category": category} if category else {})
        return _refusal(self._gateway.dispute.add_text_evidence(identifier, asked))

    def finalize_dispute(self, identifier: str) -> Refusal | None:
        """The last word; None when it was taken."""
        return _refusal(self._gateway.dispute.finalize(identifier))

    def accept_dispute(self, identifier: str) -> Refusal | None:
        """Give in; None when it was taken."""
        return _refusal(self._gateway.dispute.accept(identifier))

    def fee_report(self, day: date) -> str | None:
        """Where the payment-level fee report of a UTC day is; None where there is none for us."""
        asked: Any = {"date": day.isoformat()}
        try:
            answer: Any = self._gateway.graphql_client.query(_FEES, asked)
        except (AuthorizationError, NotFoundError):
            return None
        report: Any = (answer.get("data") or {}).get("report") or {}
        url = (report.get("paymentLevelFees") or {}).get("url")
        return None if url is None else str(url)

    def settlement_sums(self, day: date) -> Mapping[tuple[str, str], str]:
        """Merchant account and kind (sale, credit) to what was settled on a day, in major units."""
        result: Any = self._gateway.settlement_batch_summary.generate(day.isoformat())
        if not result.is_success:
            raise ValueError("the summary was refused")
        sums: dict[tuple[str, str], Decimal] = {}
        for record in result.settlement_batch_summary.records:
            key = (str(record["merchant_account_id"]), str(record["kind"]))
            sums[key] = sums.get(key, Decimal(0)) + Decimal(str(record["amount_settled"]))
        return {key: str(total) for key, total in sums.items()}

    def settled_between(self, since: datetime, until: datetime) -> Iterator[Mapping[str, str]]:
        """What was settled in a window, in the columns of the fee report, but without fees."""
        search: Any = braintree.TransactionSearch
        window: Any = search.settled_at.between(_naive(since), _naive(until))
        found: Any = self._gateway.transaction.search([window])
        return (settled_of(each) for each in found)

    def close(self) -> None:
        """Close the connections of all threads."""
        self._wire.close_all()


def _reply(result: Any) -> Transaction | Refusal:
    """A refused refund may bring both its transaction and codes; the transaction tells more."""
    made: Any = getattr(result, "transaction", None)
    if made is not None:
        return transaction_of(made)
    return Refusal(_codes(result))


def _refusal(result: Any) -> Refusal | None:
    return None if result.is_success else Refusal(_codes(result))


def _codes(result: Any) -> tuple[str, ...]:
    return tuple(str(error.code) for error in result.errors.deep_errors)


def _naive(moment: datetime) -> datetime:
    """The SDK prints times as they are and calls them UTC, so that is what it must get."""
    return moment.astimezone(UTC).replace(tzinfo=None)
