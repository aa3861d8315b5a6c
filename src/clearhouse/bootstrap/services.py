"""The services of payments, for the API and for the workers."""

from datetime import timedelta

from clearhouse.bootstrap.policies import retry_policy
from clearhouse.bootstrap.runtime import Runtime
from clearhouse.payments.disputes.answers import AnswerIntake, DisputeExecution
from clearhouse.payments.disputes.learning import DisputeLearning
from clearhouse.payments.disputes.model import BorneBy
from clearhouse.payments.disputes.service import DisputeService
from clearhouse.payments.disputes.sweeping import DisputeSweep
from clearhouse.payments.execution import ExecutionService
from clearhouse.payments.fees.model import DefaultFee
from clearhouse.payments.fees.service import FeeDesk
from clearhouse.payments.intake import IntakeService
from clearhouse.payments.learning import LearningService
from clearhouse.payments.operations.execution import OperationExecution
from clearhouse.payments.operations.intake import OperationIntake
from clearhouse.payments.operations.learning import OperationLearning
from clearhouse.payments.operations.outcomes import OperationOutcomes
from clearhouse.payments.operations.service import OperationService
from clearhouse.payments.operations.strays import StrayRefunds
from clearhouse.payments.operations.terms import FeePolicy
from clearhouse.payments.pages.service import PageService
from clearhouse.payments.routes import Router
from clearhouse.payments.service import PaymentService
from clearhouse.settings import Settings


def payment_service(runtime: Runtime, settings: Settings) -> PaymentService:
    """The payments that an API offers; it has its own group commit."""
    intake = IntakeService(
        runtime.pool,
        runtime.clock,
        runtime.ids,
        idempotency_lifetime=settings.api.idempotency_lifetime,
        router=Router(settings.routing, runtime.randomness),
    )
    return PaymentService(runtime.pool, intake)


def fee_desk(runtime: Runtime, settings: Settings) -> FeeDesk:
    """Fee plans, for people."""
    return FeeDesk(runtime.pool, runtime.clock, runtime.ids, _default_fee(settings))


def _default_fee(settings: Settings) -> DefaultFee:
    return DefaultFee(settings.fee.basis_points, settings.fee.fixed_minor)


def operation_service(runtime: Runtime, settings: Settings) -> OperationService:
    """The captures, voids and refunds that an API offers; it has its own group commit."""
    intake = OperationIntake(
        runtime.pool,
        runtime.clock,
        runtime.ids,
        idempotency_lifetime=settings.api.idempotency_lifetime,
        fee_policy=FeePolicy(settings.refund.fee_policy),
    )
    return OperationService(runtime.pool, intake)


def page_service(runtime: Runtime, settings: Settings) -> PageService:
    """Payment pages, for the API and for their workers."""
    return PageService(
        runtime.pool,
        runtime.clock,
        runtime.randomness,
        learning=learning_service(runtime, settings),
        lease=timedelta(seconds=settings.executor.lease_seconds),
        policy=retry_policy(settings),
    )


def execution_service(runtime: Runtime, settings: Settings) -> ExecutionService:
    """What executors claim from and settle with."""
    executor = settings.executor
    return ExecutionService(
        runtime.pool,
        runtime.clock,
        runtime.randomness,
        lease=timedelta(seconds=executor.lease_seconds),
        policy=retry_policy(settings),
        default_fee=_default_fee(settings),
        strays=StrayRefunds(runtime.clock, runtime.ids),
    )


def learning_service(runtime: Runtime, settings: Settings) -> LearningService:
    """The one door for what is learnt about orders outside of an executor."""
    return LearningService(
        runtime.clock,
        runtime.randomness,
        policy=retry_policy(settings),
        default_fee=_default_fee(settings),
        strays=StrayRefunds(runtime.clock, runtime.ids),
    )


def operation_outcomes(runtime: Runtime, settings: Settings) -> OperationOutcomes:
    """What decides about the outcomes of captures, voids and refunds."""
    orders = learning_service(runtime, settings)
    return OperationOutcomes(runtime.clock, runtime.randomness, retry_policy(settings), orders)


def operation_execution(runtime: Runtime, settings: Settings) -> OperationExecution:
    """What operators claim from and settle with."""
    outcomes = operation_outcomes(runtime, settings)
    lease = timedelta(seconds=settings.executor.lease_seconds)
    return OperationExecution(runtime.pool, runtime.clock, outcomes, lease=lease)


def operation_learning(runtime: Runtime, settings: Settings) -> OperationLearning:
    """What takes in refunds that PSPs tell of by themselves."""
    return OperationLearning(
        runtime.clock,
        runtime.ids,
        operation_outcomes(runtime, settings),
        FeePolicy(settings.refund.fee_policy),
    )


def dispute_learning(runtime: Runtime, settings: Settings) -> DisputeLearning:
    """What takes in disputes that PSPs tell of by themselves."""
    return DisputeLearning(runtime.clock, runtime.ids, BorneBy(settings.dispute.borne_by))


def dispute_service(runtime: Runtime, settings: Settings) -> DisputeService:
    """The disputes that an API shows and lets be answered."""
    intake = AnswerIntake(
        runtime.pool, runtime.clock, runtime.ids, lifetime=settings.api.idempotency_lifetime
    )
    return DisputeService(runtime.pool, intake)


def dispute_execution(runtime: Runtime, settings: Settings) -> DisputeExecution:
    """What dispute workers claim from and settle with."""
    return DisputeExecution(
        runtime.pool,
        runtime.clock,
        runtime.randomness,
        dispute_learning(runtime, settings),
        policy=retry_policy(settings),
        lease=timedelta(seconds=settings.executor.lease_seconds),
    )


def dispute_sweep(runtime: Runtime, settings: Settings) -> DisputeSweep:
    """What reads the PSPs' lists of disputes."""
    return DisputeSweep(runtime.pool, runtime.clock, dispute_learning(runtime, settings))
