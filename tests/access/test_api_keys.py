"""API keys against a real database: shown once, stored peppered, revoked within seconds."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import pytest

from clearhouse.access.model import Scope
from clearhouse.access.service import REFUSED_SECONDS, REMEMBERED_SECONDS, ApiKeys
from clearhouse.access.tokens import is_well_formed, make_token
from clearhouse.kernel.errors import InvalidRequest, NotFound, Unauthenticated, UnavailableError
from clearhouse.kernel.ids import Ids
from clearhouse.kernel.randomness import SeededRandomness
from clearhouse.postgres.connection import Pool, open_pool


class MovingClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds


def keys_on(pool: Pool, clock: MovingClock, pepper: bytes = b"pepper", seed: int = 1) -> ApiKeys:
    randomness = SeededRandomness(seed)
    return ApiKeys(pool, clock, Ids(clock, randomness), randomness, pepper)


@pytest.fixture
def clock() -> MovingClock:
    return MovingClock()


@pytest.fixture
def keys(pool: Pool, clock: MovingClock) -> ApiKeys:
    return keys_on(pool, clock)


async def test_a_token_opens_what_its_scopes_say(keys: ApiKeys) -> None:
    made, token = await keys.create("shop", [Scope.PAYMENTS_WRITE, Scope.PAYMENTS_READ])
    found = await keys.authenticate(token)
    assert found == made
    assert found.scopes == {Scope.PAYMENTS_WRITE, Scope.PAYMENTS_READ}
    assert token.endswith(found.hint)


async def test_the_token_is_not_in_the_database(keys: ApiKeys, owner: asyncpg.Connection) -> None:
    _, token = await keys.create("shop", [Scope.PAYMENTS_READ])
    row = await owner.fetchrow("select api_keys::text as text, digest from access.api_keys")
    assert row is not None
    assert token not in row["text"]
    assert token.removeprefix("ch_key_")[:20] not in row["text"]
    assert len(row["digest"]) == 32


async def test_another_pepper_knows_no_key(keys: ApiKeys, pool: Pool, clock: MovingClock) -> None:
    _, token = await keys.create("shop", [Scope.PAYMENTS_READ])
    with pytest.raises(Unauthenticated):
        await keys_on(pool, clock, b"another").authenticate(token)


async def test_a_typo_is_told_apart_from_an_unknown_key(keys: ApiKeys) -> None:
    _, token = await keys.create("shop", [Scope.PAYMENTS_READ])
    typo = token[:20] + ("A" if token[20] != "A" else "B") + token[21:]
    with pytest.raises(Unauthenticated, match="mistyped"):
        await keys.authenticate(typo)
    with pytest.raises(Unauthenticated, match="mistyped"):
        await keys.authenticate(token[:-1])
    with pytest.raises(Unauthenticated, match="unknown"):
        await keys.authenticate(make_token(b"\x07" * 32))


@pytest.mark.parametrize("token", ["", "x", "ch_key_", "\ud800", "ch_key_" + "é" * 49, "a\x00b"])
async def test_rubbish_is_no_key(keys: ApiKeys, token: str) -> None:
    with pytest.raises(Unauthenticated):
        await keys.authenticate(token)


async def test_revoking_works_here_at_once_and_elsewhere_within_the_documented_time(
    keys: ApiKeys, pool: Pool, clock: MovingClock
) -> None:
    made, token = await keys.create("shop", [Scope.PAYMENTS_READ])
    elsewhere = keys_on(pool, clock)
    await elsewhere.authenticate(token)
    revoked = await keys.revoke(made.key_id)
    assert revoked.revoked_at == clock.now()
    with pytest.raises(Unauthenticated):
        await keys.authenticate(token)
    clock.seconds += REMEMBERED_SECONDS
    with pytest.raises(Unauthenticated):
        await elsewhere.authenticate(token)
    clock.seconds += 60
    assert (await keys.revoke(made.key_id)).revoked_at == revoked.revoked_at


async def test_a_key_expires_even_while_it_is_remembered(keys: ApiKeys, clock: MovingClock) -> None:
    expiry = clock.now() + timedelta(seconds=2)
    _, token = await keys.create("shop", [Scope.PAYMENTS_READ], expires=expiry)
    await keys.authenticate(token)
    clock.seconds += 2
    with pytest.raises(Unauthenticated):
        await keys.authenticate(token)


async def test_an_unknown_token_is_asked_for_again_once_it_may_exist(
    pool: Pool, clock: MovingClock
) -> None:
    here, elsewhere = keys_on(pool, clock, seed=5), keys_on(pool, clock, seed=5)
    # The same seed: ask for the token that will be made next.
    token = make_token(SeededRandomness(5).token(32))
    with pytest.raises(Unauthenticated):
        await elsewhere.authenticate(token)
    _, made = await here.create("shop", [Scope.PAYMENTS_READ])
    assert made == token
    clock.seconds += REFUSED_SECONDS
    assert (await elsewhere.authenticate(token)).name == "shop"


async def test_a_remembered_key_outlives_a_database_that_is_away_and_an_unknown_one_is_not_refused(
    database: str, clock: MovingClock
) -> None:
    pool = await open_pool(database, size=2, name="short-lived")
    keys = keys_on(pool, clock)
    _, token = await keys.create("shop", [Scope.PAYMENTS_READ])
    await keys.authenticate(token)
    pool.terminate()
    assert (await keys.authenticate(token)).name == "shop"
    with pytest.raises(UnavailableError):
        await keys.authenticate(make_token(b"\x09" * 32))


async def test_made_up_tokens_push_no_real_one_out(
    keys: ApiKeys, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clearhouse.access.service._MOST", 3)
    _, token = await keys.create("shop", [Scope.PAYMENTS_READ])
    await keys.authenticate(token)
    for number in range(10):
        with pytest.raises(Unauthenticated):
            await keys.authenticate(make_token(bytes([number]) * 32))
    pool.terminate()
    assert (await keys.authenticate(token)).name == "shop"


async def test_listing_shows_all_keys_oldest_first(keys: ApiKeys, clock: MovingClock) -> None:
    first, _ = await keys.create("first", [Scope.PAYMENTS_READ])
    clock.seconds += 1
    second, _ = await keys.create("second", [Scope.WALLETS_READ])
    await keys.revoke(first.key_id)
    listed = await keys.list()
    assert [key.key_id for key in listed] == [first.key_id, second.key_id]
    assert [key.revoked_at is None for key in listed] == [False, True]


async def test_a_key_that_makes_no_sense_is_refused_with_all_reasons(
    keys: ApiKeys, clock: MovingClock
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        await keys.create("", [], expires=clock.now())
    assert [fault.pointer for fault in caught.value.faults] == ["/name", "/scopes", "/expires"]


async def test_revoking_a_key_that_is_not_there_is_told(keys: ApiKeys) -> None:
    with pytest.raises(NotFound):
        await keys.revoke(UUID(int=1))


async def test_a_scope_of_a_newer_release_opens_nothing(
    keys: ApiKeys, owner: asyncpg.Connection
) -> None:
    _, token = await keys.create("shop", [Scope.PAYMENTS_READ])
    await owner.execute("update access.api_keys set scopes = scopes || '{dreams:write}'::text[]")
    assert (await keys.authenticate(token)).scopes == {Scope.PAYMENTS_READ}


def test_tokens_are_recognisable_and_all_different() -> None:
    tokens = {make_token(bytes([number]) * 32) for number in range(256)}
    assert len(tokens) == 256
    assert all(token.startswith("ch_key_") and len(token) == 56 for token in tokens)
    assert all(is_well_formed(token) for token in tokens)
    with pytest.raises(ValueError, match="32"):
        make_token(b"short")
