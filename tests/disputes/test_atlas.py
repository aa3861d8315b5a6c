"""The drawn lifecycle of disputes: whole, and true of a real database arrow by arrow."""

from tests.disputes.rooms import learn, service, told
from tests.proof.flow import consume, pay
from tests.proof.test_money_back import findings

from clearhouse.kernel.atlas import Place
from clearhouse.payments.disputes.atlas import MOVERS, answer_arrows, money_arrows, sections
from clearhouse.payments.disputes.model import DisputeMoney
from clearhouse.payments.operations.model import OperationStatus
from clearhouse.postgres.connection import Pool
from clearhouse.psp.disputes import DisputeStage

ARROWS = list(money_arrows())
PATHS = {
    DisputeMoney.NONE: ["inquiry"],
    DisputeMoney.HELD: ["needs_response"],
    DisputeMoney.RETURNED: ["needs_response", "won"],
    DisputeMoney.TAKEN: ["lost"],
}


def test_every_stage_has_somebody_who_moves_it() -> None:
    assert MOVERS.keys() == {*DisputeStage}
    assert all(MOVERS.values())
    assert {one.before for one in ARROWS} == {Place(money.value) for money in DisputeMoney}
    assert all(f"`{stage}`" in sections()["dispute arrows"] for stage in DisputeStage)


def test_no_answer_is_left_unsent() -> None:
    ends = {one.after.status: one.follows for one in answer_arrows()}
    assert ends[OperationStatus.SUCCEEDED] == "nothing"
    assert ends[OperationStatus.FAILED] == "a person is told"
    for arrow in answer_arrows():
        if arrow.after.status == OperationStatus.SUBMITTED:
            assert arrow.follows == "sent again, and late a person is told"


async def test_every_arrow_is_driven_through_the_one_door(pool: Pool, database: str) -> None:
    names = [f"cart{n}" for n in range(len(ARROWS))]
    await pay(pool, names)
    await consume(pool)
    facts = {
        arrow: [*PATHS[DisputeMoney(arrow.before.status)], arrow.words.strip("`")]
        for arrow in ARROWS
    }
    for name, stages in zip(names, facts.values(), strict=True):
        for hour, stage in enumerate(stages):
            fact = told(stage, hour, reference=f"du_{name}", charge=f"pi_{name}-0")
            assert await learn(pool, fact) == [True]
    found = (await service(pool).list_disputes(None, None, 100)).disputes
    ends = {one.payment_order_id: one.money for one in found}
    for name, arrow in zip(names, facts, strict=True):
        assert ends[f"{name}-0"] == arrow.after.status, arrow
    await consume(pool)
    assert await findings(database) == {}
