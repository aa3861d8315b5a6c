"""The body of a seller's payout schedule."""

from datetime import time
from typing import Annotated, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from clearhouse.api.faults import Faults
from clearhouse.api.flat_bodies import read_flat
from clearhouse.api.payout_bodies import Currency
from clearhouse.api.requests import MAX_AMOUNT
from clearhouse.kernel.errors import InvalidRequest
from clearhouse.kernel.money import EXPONENTS, MoneyError, parse_charge
from clearhouse.wallets.payouts.schedule import Rhythm, Schedule, ScheduleError

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: Final[tuple[Weekday, ...]] = (
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
)


class ScheduleRequest(msgspec.Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True):
    """When a seller is paid in a currency."""

    currency: Currency
    rhythm: Annotated[
        Literal["daily", "weekly", "monthly", "threshold"],
        Meta(description="`threshold`: on any business day, once so much is available."),
    ]
    weekday: Annotated[Weekday, Meta(description="With `weekly` alone.")] | UnsetType = UNSET
    day: (
        Annotated[
            int,
            Meta(ge=1, le=31, description="With `monthly` alone; 31 is the last of any month."),
        ]
        | UnsetType
    ) = UNSET
    threshold: (
        Annotated[
            str,
            Meta(
                pattern=r"^[0-9]{1,18}(\.[0-9]{1,18})?$",
                max_length=MAX_AMOUNT,
                description="With `threshold` alone: a decimal string in major units.",
            ),
        ]
        | UnsetType
    ) = UNSET
    at: (
        Annotated[
            str,
            Meta(
                pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$",
                description="The local time from which on it is due. Left out: `06:00`.",
            ),
        ]
        | UnsetType
    ) = UNSET
    time_zone: (
        Annotated[str, Meta(max_length=64, description="The seller's. Left out: `UTC`.")]
        | UnsetType
    ) = UNSET
    paused: Annotated[bool, Meta(description="Nothing is paid by it.")] | UnsetType = UNSET


_RULES: Final = {
    "currency": "must be an ISO 4217 currency in capital letters",
    "rhythm": "must be daily, weekly, monthly or threshold",
    "weekday": f"must be one of {', '.join(WEEKDAYS)}",
    "day": "must be a whole number from 1 to 31",
    "threshold": 'must be an amount of the currency, such as "100.00"',
    "at": 'must be a time of day such as "06:00"',
    "time_zone": 'must be a time zone such as "Europe/Berlin"',
    "paused": "must be true or false",
}


def read_schedule(body: bytes) -> tuple[str, Schedule, bool]:
    """A currency, when a seller is paid in it, whether that is paused. Raises InvalidRequest."""
    wanted, _ = read_flat(body, ScheduleRequest, _RULES)
    faults = Faults()
    if wanted.currency not in EXPONENTS:
        faults.add("/currency", "unknown-currency", _RULES["currency"])
    threshold = None if wanted.threshold is UNSET else wanted.threshold
    minor: int | None = None
    if threshold is not None and not faults:
        try:
            minor = parse_charge(threshold, wanted.currency).minor
        except MoneyError:
            faults.add("/threshold", "invalid-value", _RULES["threshold"])
    if faults:
        raise InvalidRequest(faults.found)
    try:
        schedule = Schedule(
            Rhythm(wanted.rhythm),
            "UTC" if wanted.time_zone is UNSET else wanted.time_zone,
            None if wanted.weekday is UNSET else WEEKDAYS.index(wanted.weekday),
            None if wanted.day is UNSET else wanted.day,
            minor,
            time(6) if wanted.at is UNSET else time.fromisoformat(wanted.at),
        )
    except ScheduleError as error:
        faults.add("", "impossible-schedule", str(error))
        raise InvalidRequest(faults.found) from None
    return wanted.currency, schedule, wanted.paused is True
