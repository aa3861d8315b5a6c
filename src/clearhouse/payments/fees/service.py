"""Plans as people make them: set, assigned, shown, and one order's fee explained."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from clearhouse.access.audit_log import LONGEST_REASON, Deed, note_deed, says_why
from clearhouse.kernel.clock import Clock
from clearhouse.kernel.errors import ConfigurationError, NotFound
from clearhouse.kernel.ids import Ids
from clearhouse.payments.fees import store
from clearhouse.payments.fees.model import (
    EVERYONE,
    Assignment,
    DefaultFee,
    FeeTerms,
    PlanVersion,
)
from clearhouse.payments.fees.rule import Steps, month_of, steps_of
from clearhouse.postgres.connection import Connection, Pool, in_transaction

_LONGEST_NAME: Final = 100


@dataclass(frozen=True, slots=True)
class Plans:
    """All plans at a moment: what each says of its currencies, and how many sellers have it."""

    versions: Sequence[PlanVersion]
    sellers: Mapping[str, int]
    everyone: str | None
    default: DefaultFee


@dataclass(frozen=True, slots=True)
class Explained:
    """How one order's fee came about, or would now; ``fee_minor`` None: it is not decided yet.

    ``version`` None: the default fee decided, ``terms`` being what the settings say today. Where
    these have changed since, ``steps`` end with another fee than ``fee_minor``.
    """

    payment_order_id: str
    seller_account: str
    currency: str
    accepted_at: datetime
    decided_at: datetime | None
    amount_minor: int
    fee_minor: int | None
    version: PlanVersion | None
    volume_minor: int | None
    terms: FeeTerms
    steps: Steps

    @property
    def agrees(self) -> bool:
        """Whether the steps end with the fee that was taken."""
        return self.fee_minor in {None, self.steps.fee_minor}


class FeeDesk:
    """Fee plans and who has which; every change stands in the audit log, and none in the past."""

    def __init__(self, pool: Pool, clock: Clock, ids: Ids, default: DefaultFee) -> None:
        self._pool = pool
        self._clock = clock
        self._ids = ids
        self._default = default

    async def plans(self) -> Plans:
        """All plans as they are now."""
        now = self._clock.now()
        everyone = await store.assignments_of(self._pool, EVERYONE)
        begun = [one.plan for one in everyone if one.valid_from <= now]
        return Plans(
            await store.plans_at(self._pool, now),
            await store.sellers_at(self._pool, now),
            begun[-1] if begun else None,
            self._default,
        )

    async def plan(self, name: str) -> list[PlanVersion]:
        """All versions of a plan, by currency, oldest first. Raises NotFound."""
        versions = await store.versions_of(self._pool, name)
        if not versions:
            raise _no_plan(name)
        return versions

    async def assignments(self, seller_account: str) -> list[Assignment]:
        """All plans that a seller, or everyone, ever had or will have, oldest first."""
        return await store.assignments_of(self._pool, seller_account)

    async def set_plan(
        self,
        name: str,
        currency: str,
        terms: FeeTerms,
        *,
        by: str,
        reason: str,
        valid_from: datetime | None = None,
    ) -> PlanVersion:
        """What a plan says of a currency from a moment on (now, when none is given).

        Payments that were accepted before keep the version that they were accepted under. Raises
        ConfigurationError.
        """
        now = self._clock.now()
        if not 1 <= len(name) <= _LONGEST_NAME or not name.isprintable() or name != name.strip():
            raise ConfigurationError(f"A plan's name is 1 to {_LONGEST_NAME} printable characters.")
        begins = _from(valid_from, now, reason)

        async def work(connection: Connection) -> PlanVersion:
            number = await store.next_version(connection, name, currency)
            version = PlanVersion(
                self._ids.at(now), name, currency, number, begins, terms, now, by, reason
            )
            await store.add_version(connection, version)
            target = f"fee plan {name} in {currency or 'other currencies'}, version {number}"
            await self._note(connection, now, by, "fees.set", target, reason)
            return version

        return await in_transaction(self._pool, self._clock, work)

    async def assign(
        self,
        seller_account: str,
        plan: str | None,
        *,
        by: str,
        reason: str,
        valid_from: datetime | None = None,
    ) -> Assignment:
        """Which plan a seller (or EVERYONE) has from a moment on; None: no plan of their own.

        Raises ConfigurationError, and NotFound when there is no such plan.
        """
        now = self._clock.now()
        begins = _from(valid_from, now, reason)
        one = Assignment(self._ids.at(now), seller_account, plan, begins, now, by, reason)

        async def work(connection: Connection) -> Assignment:
            if plan is not None and not await store.plan_exists(connection, plan):
                raise _no_plan(plan)
            await store.add_assignment(connection, one)
            target = f"fee plan of {seller_account or 'everyone'}"
            await self._note(connection, now, by, "fees.assign", target, reason)
            return one

        return await in_transaction(self._pool, self._clock, work)

    async def explain(self, payment_order_id: str) -> Explained:
        """How an order's fee came about; for one without a fee yet, what it would be now.

        Raises NotFound.
        """
        row = await store.order_fee(self._pool, payment_order_id)
        if row is None:
            raise NotFound("There is no payment order with this id, or it lies in the archive.")
        seller, currency, accepted = row["seller_account"], row["currency"], row["created_at"]
        fee, volume = row["fee_minor"], row["fee_volume_minor"]
        if fee is None:
            version = await store.version_at(self._pool, seller, currency, accepted)
            if version is not None and version.terms.tiers:
                month = month_of(seller, currency, accepted)
                volume = await store.volume_of(self._pool, month) or 0
        else:
            known = row["fee_version"]
            version = None if known is None else await store.version(self._pool, known)
        terms = self._default.terms(currency) if version is None else version.terms
        amount = row["amount_minor"] if fee is None else row["captured_minor"]
        return Explained(
            payment_order_id=row["payment_order_id"],
            seller_account=seller,
            currency=currency,
            accepted_at=accepted,
            decided_at=None if fee is None else row["finalized_at"],
            amount_minor=amount,
            fee_minor=fee,
            version=version,
            volume_minor=volume,
            terms=terms,
            steps=steps_of(terms, amount, volume or 0),
        )

    async def _note(
        self, connection: Connection, now: datetime, by: str, action: str, target: str, reason: str
    ) -> None:
        await note_deed(connection, Deed(self._ids.at(now), now, by, action, target[:300], reason))


def _from(valid_from: datetime | None, now: datetime, reason: str) -> datetime:
    if not says_why(reason):
        raise ConfigurationError(
            f"Say why, in 1 to {LONGEST_REASON} characters, for the audit log."
        )
    if valid_from is not None and valid_from < now:
        raise ConfigurationError(
            "Fees change now or later: payments that were accepted keep the plan they were"
            " accepted under."
        )
    return valid_from or now


def _no_plan(name: str) -> NotFound:
    return NotFound(
        f"There is no fee plan {name[:100]!r}.", hint="`clearhouse fees list` shows all plans."
    )
