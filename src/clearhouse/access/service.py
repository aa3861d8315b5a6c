"""The verbs of access: create, revoke and list API keys, and recognise a caller by one.

Recognising is on the hot path, so answers are remembered for a few seconds. That is also
how long a revocation takes to reach every process: at most REMEMBERED_SECONDS.
"""

import hmac
from collections.abc import Iterable
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from clearhouse.access import store
from clearhouse.access.model import ApiKey, Scope
from clearhouse.access.tokens import RANDOM_BYTES, is_well_formed, make_token
from clearhouse.kernel.clock import Clock
from clearhouse.kernel.errors import Fault, InvalidRequest, NotFound, Unauthenticated
from clearhouse.kernel.ids import Ids
from clearhouse.kernel.randomness import Randomness
from clearhouse.postgres.connection import Pool

REMEMBERED_SECONDS: Final = 5.0
"""How long a valid key is believed without asking the database: the delay of a revocation."""
REFUSED_SECONDS: Final = 1.0
"""How long an unknown token is refused without asking again: the delay of a new key."""
_FRESH_SECONDS: Final = 4.0
"""After this, one caller looks the key up again while the others go on with the old answer."""
_GRACE_SECONDS: Final = 0.5
"""How long the others go on before one of them tries too; never past REMEMBERED_SECONDS."""
_MOST: Final = 10_000
"""Answers remembered of each kind; the oldest make room."""

_MISTYPED: Final = "The API key is mistyped or cut short: its checksum does not hold."
_INVALID: Final = "The API key is unknown, expired or revoked."


class _Remembered(NamedTuple):
    """An answer; moments are of the monotonic clock: look again after ``fresh_until``, and
    believe it never after ``until``.
    """

    key: ApiKey | None
    fresh_until: float
    until: float


class _Memory:
    """Answers by digest; bounded."""

    def __init__(self) -> None:
        self._answers: dict[bytes, _Remembered] = {}

    def get(self, digest: bytes) -> _Remembered | None:
        return self._answers.get(digest)

    def put(self, digest: bytes, answer: _Remembered) -> None:
        if digest not in self._answers and len(self._answers) >= _MOST:
            del self._answers[next(iter(self._answers))]
        self._answers[digest] = answer

    def drop(self, digest: bytes) -> None:
        self._answers.pop(digest, None)


class ApiKeys:
    """API keys, stored as HMAC-SHA256 of the token under ``pepper``, a secret of the platform.

    Whoever has the table alone can neither use nor guess a token; whoever changes the pepper
    invalidates every key.
    """

    def __init__(
        self, pool: Pool, clock: Clock, ids: Ids, randomness: Randomness, pepper: bytes
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._ids = ids
        self._randomness = randomness
        self._pepper = pepper
        # Two memories, so that a flood of made-up tokens cannot push the real ones out.
        self._valid, self._refused = _Memory(), _Memory()

    async def create(
        self, name: str, scopes: Iterable[Scope], expires: datetime | None = None
    ) -> tuple[ApiKey, str]:
        """A new key and its token, which exists nowhere else: show it once.

        ``expires`` is aware. Raises InvalidRequest for an empty or overlong name, no scope,
        or an expiry that has passed.
        """
        moment = self._clock.now()
        granted = frozenset(scopes)
        faults: list[Fault] = []
        if not 1 <= len(name) <= 200 or not name.isprintable():
            faults.append(Fault("/name", "invalid", "must be 1 to 200 printable characters"))
        if not granted:
            faults.append(Fault("/scopes", "missing", "must name at least one scope"))
        if expires is not None and expires <= moment:
            faults.append(Fault("/expires", "in-the-past", "must be in the future"))
        if faults:
            reasons = "; ".join(f"{fault.pointer[1:]} {fault.detail}" for fault in faults)
            raise InvalidRequest(faults, f"The API key cannot be made: {reasons}.")
        token = make_token(self._randomness.token(RANDOM_BYTES))
        key = ApiKey(self._ids.at(moment), name, token[-4:], granted, moment, expires, None)
        digest = self._digest(token)
        await store.add_key(self._pool, key, digest)
        self._refused.drop(digest)
        return key, token

    async def revoke(self, key_id: UUID) -> ApiKey:
        """Close a key for good: here at once, elsewhere within REMEMBERED_SECONDS.

        Repeating it changes nothing. Raises NotFound when there is no key of that id.
        """
        found = await store.revoke_key(self._pool, key_id, self._clock.now())
        if found is None:
            raise NotFound(f"There is no API key {key_id}.", hint="List the keys to find its id.")
        key, digest = found
        self._valid.drop(digest)
        return key

    async def list(self) -> list[ApiKey]:
        """All keys, the oldest first, revoked and expired ones too."""
        return await store.list_keys(self._pool)

    async def authenticate(self, token: str) -> ApiKey:
        """The key that a token belongs to.

        Raises Unauthenticated when the token is mistyped, unknown, expired or revoked, and
        UnavailableError when that cannot be found out.
        """
        # Guessing at digests by timing is hopeless without the pepper, so a plain look-up by
        # digest is safe, here and in the database.
        digest = self._digest(token)
        tick = self._clock.monotonic()
        remembered = self._valid.get(digest)
        if remembered is not None and tick < remembered.fresh_until:
            key = remembered.key
        else:
            key = await self._look_up(token, digest, tick)
        if key is None or not key.usable_at(self._clock.now()):
            raise Unauthenticated(_INVALID, hint="Ask an operator for a new key.")
        return key

    async def _look_up(self, token: str, digest: bytes, tick: float) -> ApiKey | None:
        if not is_well_formed(token):
            raise Unauthenticated(_MISTYPED, hint="Copy the key again, whole.")
        refused = self._refused.get(digest)
        if refused is not None and tick < refused.until:
            return None
        old = self._valid.get(digest)
        if old is not None and tick < old.until:
            fresh_until = min(tick + _GRACE_SECONDS, old.until)
            self._valid.put(digest, _Remembered(old.key, fresh_until, old.until))
        found = await store.find_key(self._pool, digest)
        if found is None or not hmac.compare_digest(found[1], digest):
            self._valid.drop(digest)
            until = tick + REFUSED_SECONDS
            self._refused.put(digest, _Remembered(None, until, until))
            return None
        fresh, until = tick + _FRESH_SECONDS, tick + REMEMBERED_SECONDS
        self._valid.put(digest, _Remembered(found[0], fresh, until))
        return found[0]

    def _digest(self, token: str) -> bytes:
        return hmac.digest(self._pepper, token.encode("utf-8", "surrogatepass"), "sha256")
