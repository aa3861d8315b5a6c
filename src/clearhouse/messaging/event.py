"""What every event has; the catalogue of them all is ``events.py``."""

from datetime import datetime
from uuid import UUID

import msgspec


class Event(msgspec.Struct, frozen=True, tag_field="type", kw_only=True):
    """What all events have.

    ``aggregate_id`` is the id of the thing it is about and ``version`` its place in that
    thing's life, from 1 and without gaps. ``occurred_at`` is when the fact became true.
    """

    aggregate_id: UUID
    version: int
    occurred_at: datetime
