"""Webhooks through the SDK: its check of signatures, and its reading of their XML.

What leaves this file is typed, frozen and ours.
"""

# The SDK has no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false
# pyright: reportAttributeAccessIssue=false

from base64 import b64decode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import braintree
from braintree.exceptions.invalid_challenge_error import InvalidChallengeError
from braintree.util.xml_util import XmlUtil

from clearhouse.psp.braintree.objects import Dispute, Transaction, dispute_of, transaction_of

_CHECK: Final = "_WebhookNotificationGateway__validate_signature"


@dataclass(frozen=True, slots=True)
class Told:
    """One notification: its kind and time, and the one object that it is about, if we know it.

    ``reviewed`` is the id of a sale that a person has looked at.
    """

    kind: str
    timestamp: datetime
    transaction: Transaction | None = None
    dispute: Dispute | None = None
    reviewed: str = ""


class KeyPairs:
    """The pairs of keys that a notification may be signed with, ours first.

    Braintree signs with every pair that the merchant has, so that a pair can be replaced.
    """

    def __init__(self, merchant_id: str, pairs: Sequence[tuple[str, str]]) -> None:
        self._gateways = [
            braintree.BraintreeGateway(
                braintree.Configuration(braintree.Environment.Sandbox, merchant_id, public, private)
            )
            for public, private in pairs
        ]

    def signed(self, signature: str, payload: str) -> bool:
        """Whether any of the pairs made the signature; by the SDK's own helper."""
        return any(_signed(gateway, signature, payload) for gateway in self._gateways)

    def answer(self, challenge: str) -> str | None:
        """The answer to a challenge; None when it is none."""
        try:
            return str(self._gateways[0].webhook_notification.verify(challenge))
        except InvalidChallengeError:
            return None

    def told(self, payload: str) -> Told:
        """What a notification says; raises whatever the SDK raises for what it cannot read."""
        attributes: Any = XmlUtil.dict_from_xml(b64decode(payload))["notification"]
        notification: Any = braintree.WebhookNotification(self._gateways[0], attributes)
        kind, timestamp = str(notification.kind), notification.timestamp
        if not isinstance(timestamp, datetime):
            raise TypeError("the notification has no time")
        made: Any = getattr(notification, "transaction", None)
        dispute: Any = getattr(notification, "dispute", None)
        review: Any = getattr(notification, "transaction_review", None)
        return Told(
            kind=kind,
            timestamp=timestamp.replace(tzinfo=UTC),
            transaction=transaction_of(made) if made is not None else None,
            dispute=dispute_of(dispute) if dispute is not None else None,
            reviewed=str(review.transaction_id) if review is not None else "",
        )


def _signed(gateway: Any, signature: str, payload: str) -> bool:
    """The SDK's check alone: ``parse`` would stumble over XML that is signed all the same.

    Whatever it raises means no, also that a new version has no such check.
    """
    try:
        check: Any = getattr(gateway.webhook_notification, _CHECK)
        check(signature, payload.encode("ascii"))
    except Exception:  # noqa: BLE001 - the SDK stumbles over odd signatures in several ways
        return False
    return True
