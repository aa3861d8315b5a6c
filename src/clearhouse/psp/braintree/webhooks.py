"""Braintree's webhooks: a form of two fields, authenticated as it came, read later."""

import re
from collections.abc import Mapping
from datetime import datetime
from hashlib import blake2b
from typing import Final
from urllib.parse import parse_qs

from clearhouse.psp.braintree.notice_rules import notification_of
from clearhouse.psp.braintree.notifications import KeyPairs
from clearhouse.psp.notices import NotAuthentic, Notification, NotReadable, RawWebhook, Received

_PAIR: Final = re.compile(r"[A-Za-z0-9_]+\|[0-9a-f]{40}")
_PAYLOAD: Final = re.compile(r"[A-Za-z0-9+=/\n]+")
_CHALLENGE: Final = re.compile(r"[a-f0-9]{20,32}")
_UNREADABLE: Final = "unreadable"


class WebhookCalls:
    """The protocols Webhooks and WebhookChallenge.

    Braintree signs neither a time nor an id. So a notification is named by the hash of its
    payload, and one that is sent again years later is still authentic; that it is stored once,
    and that what is older changes nothing, makes it harmless.
    """

    _key_pairs: KeyPairs

    def receive(self, webhook: RawWebhook, now: datetime) -> Received:
        """Authenticate with any of the key pairs."""
        fields = _fields(webhook.body)
        signature, payload = fields.get("bt_signature", ""), fields.get("bt_payload", "")
        if not signature or not payload:
            raise NotAuthentic("The webhook lacks bt_signature or bt_payload.")
        # What the SDK would stumble over is left out: pairs that are none, and odd bytes.
        pairs = [pair for pair in signature.split("&") if _PAIR.fullmatch(pair)]
        if not pairs or not _PAYLOAD.fullmatch(payload):
            raise NotAuthentic("The webhook's signature or payload is not written as Braintree's.")
        if not self._key_pairs.signed("&".join(pairs), payload):
            raise NotAuthentic("The webhook's signature is not of any of our key pairs.")
        key = blake2b(payload.rstrip("\n").encode(), digest_size=16).hexdigest()
        try:
            return Received(key, self._key_pairs.told(payload).kind)
        except Exception:  # noqa: BLE001 - authentic all the same; a person shall see it
            return Received(key, _UNREADABLE)

    def read(self, body: bytes) -> Notification:
        """What the notification says. Raises NotReadable."""
        try:
            payload = _fields(body)["bt_payload"]
            return notification_of(self._key_pairs.told(payload))
        except Exception as error:  # noqa: BLE001 - the SDK raises all kinds for odd content
            raise NotReadable(
                f"The notification is not what Braintree documents ({type(error).__name__})."
            ) from None

    def answer(self, query: Mapping[str, str]) -> str:
        """Our public key and the challenge's signature. Raises NotAuthentic."""
        challenge = query.get("bt_challenge", "")
        answer = self._key_pairs.answer(challenge) if _CHALLENGE.fullmatch(challenge) else None
        if answer is None:
            raise NotAuthentic("bt_challenge is missing, or is no challenge of Braintree's.")
        return answer


def _fields(body: bytes) -> dict[str, str]:
    """The form's fields, each once. Raises NotAuthentic for what is no form."""
    try:
        found = parse_qs(body.decode("ascii"), max_num_fields=10)
    except ValueError:
        raise NotAuthentic("The webhook is no form.") from None
    return {name: values[0] for name, values in found.items() if len(values) == 1}
