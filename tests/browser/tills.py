"""How a buyer finds the way on each PSP's page: by the words that people see, never by ids."""

import re
from abc import ABC, abstractmethod
from typing import ClassVar

from playwright.async_api import FrameLocator, Locator, Page, expect


class Till(ABC):
    """One page: its test cards, its fields, its button, and its bank's challenge."""

    psp: ClassVar[str]
    good: ClassVar[str]
    declined: ClassVar[str]
    challenged: ClassVar[str]
    no: ClassVar[str]
    """What a decline says."""
    unconfirmed: ClassVar[str]
    """What is said when the bank could not confirm that it is the buyer."""
    challenge_stays: ClassVar[bool] = True
    """Whether a challenge that is reloaded is still there."""

    def __repr__(self) -> str:
        return self.psp

    @abstractmethod
    def number(self, page: Page) -> Locator:
        """The field of the card's number, which is first or after the buyer's email."""

    @abstractmethod
    async def fill(self, page: Page, number: str) -> None:
        """Type a card."""

    @abstractmethod
    async def confirm(self, page: Page) -> None:
        """Tell the bank that it is the buyer."""

    @abstractmethod
    async def refuse(self, page: Page) -> None:
        """Turn back at the bank's challenge."""

    @abstractmethod
    def challenge(self, page: Page) -> Locator:
        """Something that only the bank's challenge shows."""

    def button(self, page: Page) -> Locator:
        """The button that pays."""
        return page.get_by_role("button", name=re.compile("^Pay "))

    async def pay(self, page: Page, number: str) -> None:
        """Type a card and press the button."""
        await self.fill(page, number)
        await self.button(page).click()

    async def opened(self, page: Page) -> None:
        """Wait until a card can be typed."""
        await expect(self.number(page)).to_be_visible()

    async def is_told(self, page: Page, words: str) -> None:
        """Wait until the page says why it was not paid."""
        await expect(page.get_by_role("alert")).to_contain_text(words)


class Stripe(Till):
    """Stripe Checkout; its challenge is a page of the bank."""

    psp = "stripe"
    good, declined, challenged = "4242 4242 4242 4242", "4000000000000002", "4000002760003184"
    no, unconfirmed = "was declined", "unable to authenticate"

    def number(self, page: Page) -> Locator:
        return page.get_by_label("Card number")

    async def fill(self, page: Page, number: str) -> None:
        await page.get_by_label("Email").fill("mary@shop.example")
        await self.number(page).fill(number)
        await page.get_by_label("Expiry (MM / YY)").fill("12 / 34")
        await page.get_by_label("CVC").fill("123")
        await page.get_by_label("Name on card").fill("Mary Somerville")

    def challenge(self, page: Page) -> Locator:
        return page.get_by_role("button", name="Complete")

    async def confirm(self, page: Page) -> None:
        await self.challenge(page).click()

    async def refuse(self, page: Page) -> None:
        await page.get_by_role("button", name="Fail").click()


class Square(Till):
    """Square's payment link; its bank sends a code to a telephone."""

    psp = "square"
    good, declined, challenged = "4111 1111 1111 1111", "4000000000000002", "4310000000201019"
    no, unconfirmed = "was declined", "could not confirm"

    def number(self, page: Page) -> Locator:
        return page.get_by_label("Card number")

    async def fill(self, page: Page, number: str) -> None:
        await self.number(page).fill(number)
        await page.get_by_label("Expiry (MM/YY)").fill("12/34")
        await page.get_by_label("CVV").fill("111")
        await page.get_by_label("Postal code").fill("94103")

    def challenge(self, page: Page) -> Locator:
        return page.get_by_label("Verification code")

    async def confirm(self, page: Page) -> None:
        await self.challenge(page).fill("123456")
        await page.get_by_role("button", name="Confirm").click()

    async def refuse(self, page: Page) -> None:
        await page.get_by_role("button", name="Cancel").click()


class Braintree(Till):
    """Braintree's Drop-in on our own page; fields and challenge are in its frame."""

    psp = "braintree"
    good, declined, challenged = "4111 1111 1111 1111", "4000111111111511", "4000000000001091"
    no, unconfirmed = "did not accept this card", "did not confirm"
    challenge_stays = False

    def number(self, page: Page) -> Locator:
        return _fields(page).get_by_label("Card number")

    async def fill(self, page: Page, number: str) -> None:
        await self.number(page).fill(number)
        await _fields(page).get_by_label("Expiration date").fill("12/34")
        await _fields(page).get_by_label("CVV").fill("123")

    def challenge(self, page: Page) -> Locator:
        return _fields(page).get_by_label("Code")

    async def confirm(self, page: Page) -> None:
        await self.challenge(page).fill("1234")
        await _fields(page).get_by_role("button", name="Submit").click()

    async def refuse(self, page: Page) -> None:
        await _fields(page).get_by_role("button", name="Cancel").click()


def _fields(page: Page) -> FrameLocator:
    return page.frame_locator('iframe[title="Card details"]')


TILLS = (Stripe(), Square(), Braintree())
