"""Brings the PSPs' webhooks: signed, repeated on each PSP's own schedule, and with mischief.

What is to be brought lies in the truth, written with the fact that it tells, so that a killed
sandbox forgets none. Times are of the movable clock: moving it makes repeats due.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final, cast

import httpx
import msgspec
import structlog

from clearhouse.kernel.randomness import Randomness
from clearhouse.sandbox.time import MovableClock
from clearhouse.sandbox.truth import Truth

Headers = list[tuple[str, str]]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
_AT_ONCE: Final = 32
_PAUSE: Final = 0.05
_EARLY_SECONDS: Final = 2.0
_EARLY_GRACE_US: Final = 1_000_000
"""After this time an early webhook is not early any more: its call was answered, or is no more."""
_LOG = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Post:
    """How one PSP sends: waits between tries (seconds), its time limit, and its signature.

    ``sign`` takes secret, URL, body, time (UTC) and the number of the repeat (0 for the first
    try), and returns the body and the headers to send.
    """

    schedule: tuple[float, ...]
    timeout: float
    sign: Callable[[str, str, bytes, datetime, int], tuple[bytes, Headers]]


class Endpoint(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a PSP sends its webhooks, and what it signs them with."""

    psp: str
    url: str
    secret: str


class Mischief(msgspec.Struct, forbid_unknown_fields=True):
    """How webhooks of one PSP go wrong, as shares of them.

    ``duplicate``: brought twice. ``reorder``: held back so that later ones overtake it.
    ``delay``: held back for up to ``delay_seconds``. ``drop``: never brought. ``early``: brought
    before the answer of the call that caused it.
    """

    duplicate: Share = 0.0
    reorder: Share = 0.0
    delay: Share = 0.0
    delay_seconds: Annotated[float, msgspec.Meta(ge=0)] = 5.0
    drop: Share = 0.0
    early: Share = 0.0


class Courier:
    """Takes webhooks from the rooms (``emit``) and brings them (``run``)."""

    def __init__(
        self, truth: Truth, clock: MovableClock, draws: Randomness, posts: Mapping[str, Post]
    ) -> None:
        self._truth = truth
        self._clock = clock
        self._draws = draws
        self._posts = posts
        self.mischief: dict[str, Mischief] = {}
        self._http: httpx.AsyncClient | None = None
        self._journeys: set[asyncio.Task[None]] = set()
        self._early_noted = False

    @property
    def psps(self) -> frozenset[str]:
        """The PSPs that send webhooks."""
        return frozenset(self._posts)

    def register(self, endpoint: Endpoint) -> None:
        """Send a PSP's webhooks there from now on; each URL once, the newest secret wins."""
        self._truth.execute(
            "INSERT INTO webhook_endpoints VALUES (?, ?, ?)"
            " ON CONFLICT (psp, url) DO UPDATE SET secret = excluded.secret",
            (endpoint.psp, endpoint.url, endpoint.secret),
        )

    def endpoints(self) -> list[Endpoint]:
        """Where webhooks go."""
        rows = self._truth.execute("SELECT psp, url, secret FROM webhook_endpoints ORDER BY 1, 2")
        return [Endpoint(*row) for row in rows]

    def forget_endpoints(self) -> None:
        """Send webhooks nowhere any more."""
        self._truth.execute("DELETE FROM webhook_endpoints")

    def emit(
        self,
        psp: str,
        event_id: str,
        kind: str,
        body: bytes,
        *,
        delay: float = 0.0,
        before_answer: bool = False,
    ) -> None:
        """Have a webhook brought to every endpoint of the PSP; within ``truth.transaction()``."""
        mischief = self.mischief.get(psp) or self.mischief.get("*") or Mischief()
        for endpoint in self.endpoints():
            if endpoint.psp != psp:
                continue
            dropped = self._happens(mischief.drop)
            early = before_answer or self._happens(mischief.early)
            held = delay + self._held(mischief)
            self._note(endpoint, event_id, kind, body, held, early=early, dropped=dropped)
            if not dropped and self._happens(mischief.duplicate):
                later = held + self._draws.uniform(0, 1)
                self._note(endpoint, event_id, kind, body, later)

    async def run(self) -> None:
        """Bring what is due until cancelled."""
        try:
            while True:
                free = _AT_ONCE - len(self._journeys)
                grace = self._now() - _EARLY_GRACE_US
                self._set_out("early = 0 OR due_at <= ?", grace, free)
                await self._clock.sleep(_PAUSE)
        finally:
            await self.close()

    async def close(self) -> None:
        """Leave what is under way, which is brought again after the next start; hang up."""
        for journey in self._journeys:
            journey.cancel()
        await asyncio.gather(*self._journeys, return_exceptions=True)
        if self._http is not None:
            await self._http.aclose()
            self._http = None

    async def before_answer(self) -> None:
        """Bring what must be there before the answer; a slow endpoint is not waited for."""
        if self._early_noted:
            self._early_noted = False
            journeys = self._set_out("early = 1 AND 0 <= ?", 0, _AT_ONCE)
            if journeys:
                await asyncio.wait(journeys, timeout=_EARLY_SECONDS)

    def log(self, limit: int = 200) -> list[dict[str, Any]]:
        """The newest deliveries, for people."""
        names = ("id", "psp", "event_id", "kind", "url", "state", "tries", "last_status", "due_at")
        rows = self._truth.execute(
            f"SELECT {', '.join(names)} FROM deliveries ORDER BY id DESC LIMIT ?",  # noqa: S608
            (limit,),
        )
        return [dict(zip(names, row, strict=True)) for row in rows]

    def resend(self, number: int) -> bool:
        """Bring a delivery again, whatever became of it; False when there is none."""
        changed = self._truth.execute(
            "UPDATE deliveries SET state = 'waiting', early = 0, tries = 0, due_at = ?"
            " WHERE id = ?",
            (self._now(), number),
        )
        return changed.rowcount == 1

    def resend_lost(self) -> int:
        """Bring again all that were dropped or given up; returns how many they are."""
        changed = self._truth.execute(
            "UPDATE deliveries SET state = 'waiting', early = 0, tries = 0, due_at = ?"
            " WHERE state IN ('dropped', 'given_up')",
            (self._now(),),
        )
        return changed.rowcount

    def waiting(self) -> int:
        """How many are still to be brought."""
        row = self._truth.execute("SELECT count(*) FROM deliveries WHERE state = 'waiting'")
        return row.fetchone()[0]

    def _note(
        self,
        endpoint: Endpoint,
        event_id: str,
        kind: str,
        body: bytes,
        held: float,
        *,
        early: bool = False,
        dropped: bool = False,
    ) -> None:
        due = self._now() + (0 if early else int(held * 1_000_000))
        self._early_noted = self._early_noted or early
        self._truth.execute(
            "INSERT INTO deliveries (psp, event_id, kind, url, secret, body, due_at, early, state)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(endpoint.psp, event_id, kind, endpoint.url, endpoint.secret),
                *(body, due, int(early), "dropped" if dropped else "waiting"),
            ),
        )

    def _held(self, mischief: Mischief) -> float:
        held = self._draws.uniform(0, 1) if self._happens(mischief.reorder) else 0.0
        if self._happens(mischief.delay):
            held += self._draws.uniform(0, mischief.delay_seconds)
        return held

    def _happens(self, share: float) -> bool:
        return share > 0 and self._draws.uniform(0, 1) < share

    def _set_out(self, which: str, value: int, limit: int) -> list[asyncio.Task[None]]:
        """Start journeys for what is due and fits."""
        rows = self._truth.execute(
            "SELECT id, psp, url, secret, body, tries FROM deliveries WHERE state = 'waiting'"  # noqa: S608 - ours
            f" AND due_at <= ? AND ({which}) ORDER BY due_at, id LIMIT ?",
            (self._now(), value, limit),
        ).fetchall()
        journeys: list[asyncio.Task[None]] = []
        for row in rows:
            # Taken before it is sent, so that no other journey takes it in the meantime.
            self._truth.execute(
                "UPDATE deliveries SET state = 'sending', tries = tries + 1 WHERE id = ?", row[:1]
            )
            journeys.append(asyncio.create_task(self._bring(*row)))
        self._journeys.update(journeys)
        return journeys

    async def _bring(
        self, number: int, psp: str, url: str, secret: str, body: bytes, tries: int
    ) -> None:
        post = self._posts[psp]
        status = 0
        try:
            content, headers = post.sign(secret, url, body, self._clock.unmoved(), tries)
            client = self._client()
            reply = await client.post(url, content=content, headers=headers, timeout=post.timeout)
            status = reply.status_code
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            _LOG.debug("sandbox.webhook_failed", psp=psp, error=type(error).__name__)
        finally:
            self._journeys.discard(cast("asyncio.Task[None]", asyncio.current_task()))
        state, due = "delivered", self._now()
        if not 200 <= status < 300:
            state = "waiting" if tries < len(post.schedule) else "given_up"
            due += int(post.schedule[tries] * 1_000_000) if state == "waiting" else 0
        # Not when a person asked for it anew while it was under way.
        self._truth.execute(
            "UPDATE deliveries SET state = ?, last_status = ?, due_at = ?, early = 0"
            " WHERE id = ? AND state = 'sending'",
            (state, status or None, due, number),
        )

    def _client(self) -> httpx.AsyncClient:
        if self._http is None:
            self._http = httpx.AsyncClient(trust_env=False, follow_redirects=False)
        return self._http

    def _now(self) -> int:
        return int(self._clock.now().astimezone(UTC).timestamp() * 1_000_000)
