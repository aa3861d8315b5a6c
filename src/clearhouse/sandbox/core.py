"""What a PSP's room in the sandbox is made of: requests, responses, routes, and the core.

A room is a package with a function ``routes(core) -> list[Route]`` in its ``routes.py``;
``app.py`` imports it. A handler looks like this::

    async def create(request: Request) -> Response:
        ...validate; look into core.answers...
        await request.working_time()      # the PSP's latency; the key is in flight meanwhile
        with core.truth.transaction():    # no await inside
            core.truth.record(charge)
            core.objects.put(shelf, identifier, body, created_at=core.now_us(), marks={...})
            core.answers.keep(scope, answer)
            core.agenda.later("stripe.settles", 60.0, {"id": identifier})
            core.courier.emit("stripe", event_id, "charge.succeeded", event)
        return Response(200, body)

Faults are the frame's business (``app.py``): a handler need not know them, except
``Fault.ERROR_STORED`` where the PSP stores failures under a key.
"""

import string
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from clearhouse.kernel.ids import Ids
from clearhouse.kernel.randomness import Randomness
from clearhouse.sandbox.actions import Actions
from clearhouse.sandbox.agenda import Agenda
from clearhouse.sandbox.courier import Courier
from clearhouse.sandbox.faults import Fault, Faults, Latency
from clearhouse.sandbox.idempotency import Answers
from clearhouse.sandbox.movements import Movements
from clearhouse.sandbox.objects import Objects
from clearhouse.sandbox.spoils import Spoils
from clearhouse.sandbox.time import MovableClock
from clearhouse.sandbox.truth import Truth


@dataclass(slots=True)
class Request:
    """One HTTP request, its body read whole.

    ``headers`` are lower-case; ``query`` is the raw query string; ``params`` are the
    placeholders of the route; ``fault`` is what the frame is going to do to it.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    params: Mapping[str, str]
    fault: Fault | None = None
    work: Callable[[], Awaitable[None]] | None = None
    worked: bool = False

    async def working_time(self) -> None:
        """Wait as long as this PSP takes; at most once per request, else by the frame."""
        if not self.worked:
            self.worked = True
            if self.work is not None:
                await self.work()


@dataclass(slots=True)
class Response:
    """One HTTP response; ``content-length`` is added by the frame, ``content-type`` is not."""

    status: int
    body: bytes
    headers: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])


_ALPHABET: Final = (string.digits + string.ascii_uppercase + string.ascii_lowercase).encode()
_LETTERS: Final = bytes(_ALPHABET[byte % 62] for byte in range(256))

Handler = Callable[[Request], Awaitable[Response]]


def _no_reference(request: Request) -> str | None:
    return request.params.get("id")


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint of a PSP.

    ``pattern`` is a path with placeholders, e.g. ``/v1/payment_intents/{id}``.
    ``operation`` is what faults name: ``charge``, ``confirm``, ``look-up``, ``capture``,
    ``cancel``, ``refund``, ``transfer`` and ``payout`` (money to sellers), ``page`` (a hosted page
    made or expired), ``dispute`` (evidence, acceptance), ``report`` (settlement) or ``other``.
    ``failure`` renders an HTTP status that is not the
    endpoint's doing (409, 429, 500, 503) in the PSP's own words. ``reference`` finds our
    reference in a request, for faults that name one; it must not raise.
    """

    psp: str
    method: str
    pattern: str
    handler: Handler
    failure: Callable[[Request, int], Response]
    operation: str = "other"
    reference: Callable[[Request], str | None] = _no_reference


@dataclass(slots=True)
class Settings:
    """What can be changed while the sandbox runs, through the control API.

    ``latency``: PSP name or ``*`` to its latency. ``list_lag_seconds``: PSP name to how far
    its lists and searches lag behind writes. ``slow_seconds``: how long a slow body takes.
    ``retry_after_seconds``: what a 429 asks for. ``payouts_to``: the account at the sandbox's
    bank that the PSPs pay out to. ``bank_books``: how the bank books what arrives from a PSP on
    one day: ``each`` by itself, all ``together``, or each ``split`` into two.
    """

    latency: dict[str, Latency] = field(default_factory=dict[str, Latency])
    list_lag_seconds: dict[str, float] = field(default_factory=dict[str, float])
    slow_seconds: float = 2.0
    retry_after_seconds: int = 1
    payouts_to: str = "DE89370400440532013000"
    bank_books: Literal["each", "together", "split"] = "each"


@dataclass(slots=True)
class Core:
    """Everything the rooms share. ``settings`` and ``faults`` change at run time.

    ``draws`` decides latencies and mischief (may be seeded); ``randomness`` makes ids and tokens
    and must not be: a restarted sandbox would hand out the ids of its former life again.
    ``bank_folder`` holds the folders that the bank shares with its customers; ``chores`` are done
    again and again, beside the agenda.
    """

    truth: Truth
    clock: MovableClock
    randomness: Randomness
    draws: Randomness
    faults: Faults
    courier: Courier
    settings: Settings = field(default_factory=Settings)
    bank_folder: Path | None = None
    chores: list[Callable[[], None]] = field(default_factory=list[Callable[[], None]])
    ids: Ids = field(init=False)
    objects: Objects = field(init=False)
    answers: Answers = field(init=False)
    agenda: Agenda = field(init=False)
    actions: Actions = field(default_factory=Actions)
    movements: Movements = field(init=False)
    spoils: Spoils = field(default_factory=Spoils)

    def __post_init__(self) -> None:
        self.ids = Ids(self.clock, self.randomness)
        self.objects = Objects(self.truth)
        self.answers = Answers(self.truth)
        self.agenda = Agenda(self.truth, self.clock)
        self.movements = Movements(self.truth, self.agenda)

    def now_us(self) -> int:
        """The sandbox's time in microseconds since 1970, in which the truth is kept."""
        return int(self.clock.now().timestamp() * 1_000_000)

    def name(self, length: int) -> str:
        """A random object name of letters and digits, as PSPs make them."""
        return self.randomness.token(length).translate(_LETTERS).decode()

    def visible_until(self, psp: str) -> int:
        """Objects created after this moment (microseconds) do not show in lists yet."""
        return self.now_us() - int(self.settings.list_lag_seconds.get(psp, 0.0) * 1_000_000)

    def latency(self, psp: str) -> float:
        """One draw of the working time of a PSP in seconds."""
        latency = self.settings.latency.get(psp) or self.settings.latency.get("*")
        return latency.seconds(self.draws) if latency else 0.0
