"""What the card's bank and Stripe's risk check decide: a pure function of the test card."""

from dataclasses import dataclass

from clearhouse.sandbox.stripe.cards import AUTHENTICATION, Card, Challenge, Decline


@dataclass(frozen=True, slots=True)
class Approved:
    """Yes; with ``review`` a person should look at it before the goods are sent."""

    review: bool = False


@dataclass(frozen=True, slots=True)
class Challenged:
    """The owner of the card must authenticate first."""


@dataclass(frozen=True, slots=True)
class Deferred:
    """The bank answers later."""


Verdict = Approved | Decline | Challenged | Deferred


def decide(
    card: Card, *, off_session: bool, authenticated: bool, answered: bool = False
) -> Verdict:
    """The verdict on a charge.

    ``authenticated`` is true after a passed challenge, ``answered`` when a deferred answer comes.
    """
    if card.processing and not answered:
        return Deferred()
    if card.decline is not None:
        return card.decline
    asks = card.challenge is Challenge.ALWAYS or (
        card.challenge is Challenge.ON_SESSION and not off_session
    )
    if asks and not authenticated:
        return AUTHENTICATION if off_session else Challenged()
    if authenticated and card.after_challenge is not None:
        return card.after_challenge
    return Approved(review=card.risk == "elevated")
