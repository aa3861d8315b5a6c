"""Payment pages as buyers and the API meet them: made with a payment, shown, and paid on."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import timedelta

from clearhouse.kernel.errors import UnavailableError
from clearhouse.kernel.ids import Ids
from clearhouse.kernel.randomness import Randomness
from clearhouse.payments.model import NewOrder, NewPayment, PaymentEvent
from clearhouse.payments.pages.model import NewPage, PaymentPage, new_token
from clearhouse.payments.pages.service import PageService
from clearhouse.payments.routes import Router
from clearhouse.psp.contract import Psp
from clearhouse.psp.pages import DropIn


class PageDesk:
    """The verbs of payment pages for the API.

    ``names`` are the PSPs whose pages can be had; ``router`` chooses one of them for a payment that
    asks for none, the first where no rule speaks. ``adapter_of`` gives an adapter when it is first
    needed.
    """

    def __init__(
        self,
        service: PageService,
        ids: Ids,
        randomness: Randomness,
        adapter_of: Callable[[str], Awaitable[Psp | None]],
        *,
        names: Sequence[str],
        lifetime: timedelta,
        router: Router,
    ) -> None:
        self.names = tuple(names)
        self._service = service
        self._ids = ids
        self._randomness = randomness
        self._adapter_of = adapter_of
        self._lifetime = lifetime
        self._router = router

    def choose(self, payment: NewPayment) -> NewPayment:
        """The payment with the PSP whose page it will be; as it is when it asks for one.

        A page takes one payment for the whole checkout, so rules see its total; and its seller, if
        there is only one.
        """
        if payment.psp:
            return payment
        first, *others = payment.orders
        total = sum((order.amount for order in others), first.amount)
        sellers = {order.seller_account for order in payment.orders}
        seller = first.seller_account if len(sellers) == 1 else ""
        route = self._router.route(self.names, NewOrder("", seller, total))
        return replace(payment, psp=route.psps[0], routed_by=route.reason)

    def prepare(self, event: PaymentEvent, payment: NewPayment) -> NewPage:
        """The page of a payment that is about to be stored, without any I/O."""
        page_id = self._ids.at(event.created_at)
        return NewPage(
            page_id,
            new_token(page_id, self._randomness),
            event.created_at + self._lifetime,
            payment.return_url,
            payment.cancel_url,
        )

    async def page(self, token: str) -> PaymentPage:
        """The page that a link leads to. Raises NotFound."""
        return await self._service.page(token)

    async def wake(self, page: PaymentPage) -> None:
        """Have a page asked about at once, since its buyer is waiting."""
        await self._service.wake(page)

    async def client_token(self, page: PaymentPage) -> str:
        """What the PSP's fields on a page of ours are started with. Raises UnavailableError."""
        psp = await self._adapter_of(page.psp)
        if not isinstance(psp, DropIn):
            raise UnavailableError(f"The PSP {page.psp} has no fields for a page of ours.")
        return await psp.client_token(page.total.currency)

    async def try_card(self, page: PaymentPage, nonce: str) -> bool:
        """Take a card that the buyer gave; False while an earlier one is not declined."""
        psp = await self._adapter_of(page.psp)
        if psp is None:
            raise UnavailableError(f"The PSP {page.psp} is not set up here.")
        return await self._service.try_card(page, nonce, psp.capabilities)
