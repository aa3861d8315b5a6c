"""The bank by HTTP, and the control API's part of it.

====================================  =====================================================
POST /bank/files                      hand in a pain.001 or a NACHA file: 202, 400, or 409
                                      for one whose message id was taken before
GET  /bank/documents?after            the bank's answers, oldest first
POST /_sandbox/bank/credits           money from elsewhere arrives on an account
GET  /_sandbox/truth/payouts          every payment of a file and every payout at Stripe, and
                                      what became of it
====================================  =====================================================
"""

from urllib.parse import parse_qsl

import msgspec

from clearhouse.kernel.money import Money, MoneyError
from clearhouse.sandbox.bank.bank import DOCUMENTS, DUPLICATE, PSP, Bank
from clearhouse.sandbox.bank.folder import Folders
from clearhouse.sandbox.bank.reading import Refused
from clearhouse.sandbox.control import answer, fault, unavailable
from clearhouse.sandbox.core import Core, Request, Response, Route
from clearhouse.sandbox.objects import Body
from clearhouse.sandbox.stripe.currencies import iso_minor

_JSON = [("content-type", "application/json")]


class Credit(msgspec.Struct, forbid_unknown_fields=True):
    """Money that arrives on an account, such as a PSP's payout."""

    account: str
    amount_minor: int
    currency: str
    text: str = ""


def _at_stripe(core: Core) -> list[Body]:
    """Stripe's payouts to sellers in the same words; their amounts are in ISO minor units."""
    rows = core.truth.execute(
        "SELECT body FROM objects WHERE psp = 'stripe' AND kind = 'payout' ORDER BY seq"
    )
    found: list[Body] = [msgspec.json.decode(row[0]) for row in rows]
    return [
        {
            "id": body["id"],
            "key": body["metadata"].get("payout_key", ""),
            "amount_minor": iso_minor(body["amount"], body["currency"].upper()),
            "currency": body["currency"].upper(),
            "status": body["status"],
            "code": body["failure_code"],
        }
        for body in found
        if not body["automatic"]
    ]


def routes(core: Core) -> list[Route]:
    """All endpoints of the bank."""
    bank = Bank(core)
    if core.bank_folder is not None:
        core.chores.append(Folders(core, bank, core.bank_folder).exchange)

    async def take(request: Request) -> Response:
        await request.working_time()
        try:
            message_id = bank.take(request.body)
        except Refused as refused:
            status = 409 if refused.code == DUPLICATE else 400
            body = {"code": refused.code, "error": str(refused)}
            return Response(status, msgspec.json.encode(body), list(_JSON))
        return Response(202, msgspec.json.encode({"message_id": message_id}), list(_JSON))

    async def documents(request: Request) -> Response:
        after = dict(parse_qsl(request.query)).get("after", "0")
        if not after.isdecimal():
            return fault("after is a number")
        found = core.objects.find(DOCUMENTS, after=int(after), newest_first=False)
        return answer({"documents": [{"number": each.seq, **each.body} for each in found]})

    async def credit(request: Request) -> Response:
        try:
            asked = msgspec.json.decode(request.body, type=Credit)
            Money(asked.amount_minor, asked.currency)
        except (msgspec.DecodeError, MoneyError) as error:
            return fault(str(error))
        bank.credit(asked.account, asked.amount_minor, asked.currency, asked.text)
        return answer({})

    async def payouts(_request: Request) -> Response:
        return answer({"payouts": [*bank.payments(), *_at_stripe(core)]})

    return [
        Route(PSP, "POST", "/bank/files", take, unavailable, "payout"),
        Route(PSP, "GET", "/bank/documents", documents, unavailable, "look-up"),
        Route("sandbox", "POST", "/_sandbox/bank/credits", credit, unavailable, "control"),
        Route("sandbox", "GET", "/_sandbox/truth/payouts", payouts, unavailable, "control"),
    ]
