"""What the operations on payout schedules promise, and their examples."""

from typing import Any, Final

from clearhouse.access.model import Scope
from clearhouse.api.operation import Operation, path_parameter
from clearhouse.api.schedule_bodies import ScheduleRequest
from clearhouse.api.schedule_views import ScheduleListView, ScheduleView

_SCHEDULE: Final[dict[str, Any]] = {
    "currency": "EUR",
    "rhythm": "weekly",
    "weekday": "friday",
    "day": None,
    "threshold": None,
    "at": "06:00",
    "time_zone": "Europe/Berlin",
    "paused": False,
    "last_period": "2026-02-27",
    "next_due_at": "2026-03-06T05:00:00Z",
    "changed_by": "key:back-office",
    "changed_at": "2026-03-02T09:30:00.120433Z",
}
_PATH: Final = "/v1/sellers/{seller_account}/payout-schedules"
_SELLER: Final = path_parameter(
    "seller_account", "The seller's account, as you gave it.", "lamps-and-more"
)

SCHEDULES: Final = (
    Operation(
        "PUT",
        _PATH,
        "putPayoutSchedule",
        "Sellers",
        "Say when a seller is paid",
        "A schedule for one currency, in place of the one before. It is due in the seller's time "
        "zone, and only on days on which banks settle the currency; others carry on to the next "
        "such day. Then all that may be paid is. A period that is over is not made up for, and "
        "none is ever paid twice.",
        200,
        Scope.SELLERS_WRITE,
        (_SELLER,),
        ScheduleRequest,
        {
            "each Friday": {
                "currency": "EUR",
                "rhythm": "weekly",
                "weekday": "friday",
                "time_zone": "Europe/Berlin",
            },
            "the last of each month": {"currency": "USD", "rhythm": "monthly", "day": 31},
            "once 500 are there": {"currency": "EUR", "rhythm": "threshold", "threshold": "500.00"},
        },
        ScheduleView,
        _SCHEDULE,
        problems=(
            "malformed-json",
            "body-too-large",
            "unsupported-media-type",
            "validation-failed",
            "not-found",
        ),
    ),
    Operation(
        "GET",
        _PATH,
        "getPayoutSchedules",
        "Sellers",
        "See when a seller is paid",
        "By currency. A seller without any is paid on request, or by the platform's default "
        "schedule once bank details are there.",
        200,
        Scope.PAYOUTS_READ,
        (_SELLER,),
        response=ScheduleListView,
        response_example={"seller_account": "lamps-and-more", "items": [_SCHEDULE]},
        problems=("not-found",),
    ),
)
