"""Connections to the primary, and database transactions that can be run again.

Why one place: what is particular to PostgreSQL's failures (deadlocks, serialisation,
a server that restarts) is handled here once, so that a service function only has to
be safe to run twice, which all of them are.
"""

import contextlib
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

import asyncpg

from clearhouse.kernel.clock import Clock
from clearhouse.kernel.errors import ConfigurationError, UnavailableError

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

# Strings, since asyncpg's classes take parameters for the type checker only.
PlainConnection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
Result = TypeVar("Result")

APPLICATION_ROLE: Final = "clearhouse_app"
"""The role that services act as; migrations grant it exactly what services need, so the
journal is append-only by privilege, whoever the connection logged in as."""

_AGAIN: Final = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
)
LOST: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.InterfaceError,
    # What a statement meets on a connection whose server died a moment ago, unnoticed as yet.
    asyncpg.InternalClientError,
    OSError,
)
"""What asyncpg raises when the server is away; a plain read may let it pass, and the API answers
503 to it as to UnavailableError."""
TROUBLE: Final = (UnavailableError, asyncpg.PostgresError, *LOST)
"""What the loops of workers log and wait for: it passes by itself, or a person sees the log."""
_ATTEMPTS: Final = 5
_SCANS: Final = ("enable_seqscan", "enable_hashjoin", "enable_mergejoin")


class RaceLost(Exception):
    """Another transaction took what was free when this one looked; ``in_race`` looks again."""


async def open_pool(
    dsn: str, *, size: int, name: str, role: str | None = APPLICATION_ROLE, scans: bool = False
) -> Pool:
    """A pool of at most ``size`` connections that act as ``role``.

    ``name`` shows in pg_stat_activity. Unless ``scans`` is set, plans that read whole tables
    are avoided: a service touches rows by key, and a plan that was made while a table was
    still small must not read all of it once it is large. No command timeout is set: cancelling
    a COMMIT that waits for standbys would make an undecided row look decided.

    Raises UnavailableError when the server does not answer, and ConfigurationError when it
    refuses us.
    """
    server_settings = {"application_name": f"clearhouse {name}", "timezone": "UTC", "jit": "off"}
    if role is not None:
        server_settings["role"] = role
    if not scans:
        server_settings |= dict.fromkeys(_SCANS, "off")
    try:
        return await asyncpg.create_pool(
            dsn,
            min_size=min(size, 2),
            max_size=size,
            server_settings=server_settings,
            reset=_keep_session,
        )
    except (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidPasswordError) as error:
        raise ConfigurationError(
            f"PostgreSQL refused the login: {error}.", hint="Check the database URL's user."
        ) from error
    except (asyncpg.InvalidCatalogNameError, asyncpg.InvalidParameterValueError) as error:
        raise ConfigurationError(
            f"PostgreSQL cannot be used as configured: {error}.",
            hint="Create the database, then run `clearhouse migrate`.",
        ) from error
    except (OSError, asyncpg.PostgresError) as error:
        raise UnavailableError(
            f"PostgreSQL does not answer: {error}.", hint="Check that it runs and the database URL."
        ) from error


async def _keep_session(connection: PlainConnection) -> None:
    """Nothing to reset: no service changes its session, and a round trip per use would cost."""


async def in_transaction(
    pool: Pool, clock: Clock, work: Callable[[Connection], Awaitable[Result]]
) -> Result:
    """Run ``work`` in one database transaction, again after a deadlock or serialisation failure.

    ``work`` must only touch the database, and be safe to repeat. A lost connection is
    reported as UnavailableError and not repeated here: the commit may have happened, and only
    the caller knows by which key to find out.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            async with pool.acquire() as connection, connection.transaction():
                return await work(connection)
        except _AGAIN:
            if attempt == _ATTEMPTS:
                raise
            await clock.sleep(0.005 * 2**attempt)
        except LOST as error:
            raise UnavailableError(
                f"The connection to PostgreSQL was lost ({type(error).__name__}).",
                hint="Repeat the request with the same idempotency key.",
            ) from error
    raise AssertionError("unreachable")


async def in_race(
    pool: Pool,
    clock: Clock,
    work: Callable[[Connection], Awaitable[Result]],
    *,
    over: str,
    lost: type[Exception] = asyncpg.UniqueViolationError,
) -> Result:
    """Do ``work`` in a transaction, and look again each time another took what it looked for.

    ``lost`` is what ``work`` meets then, a unique index by default: whoever came first has
    committed, so the next look sees it. Raises UnavailableError, naming what it is ``over``, when
    the race is lost five times, and as ``in_transaction`` does.
    """
    for _ in range(_ATTEMPTS):
        with contextlib.suppress(lost):
            return await in_transaction(pool, clock, work)
    raise UnavailableError(
        f"Too many requests race for {over}.", hint="Repeat with the same idempotency key."
    )


def affected(status: str) -> int:
    """The number of rows of a command tag such as ``UPDATE 3``."""
    return int(status.rsplit(" ", 1)[-1])


def row_value(row: asyncpg.Record | None, name: str) -> Any:
    """One column of a row that must be there, such as that of ``select count(*)``."""
    if row is None:
        raise LookupError(f"no row to read {name} from")
    return row[name]
