"""A rail of files and folders: what SEPA and NACHA have in common, which is all but the format."""

import asyncio
import re
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

import structlog

from clearhouse.kernel.errors import ConfigurationError
from clearhouse.psp.banks.inbox import Inbox, KeysOf
from clearhouse.psp.banks.outbox import Handed, Outbox
from clearhouse.psp.contract import Unknown
from clearhouse.psp.credentials import Credential
from clearhouse.psp.rails import (
    Batch,
    Instruction,
    NotSent,
    PaidOut,
    PayoutNews,
    PayoutOutcome,
    Submitted,
)

_LOG = structlog.get_logger(__name__)
_IDENTIFIER: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,33}[A-Za-z0-9])?", re.ASCII)

FOLDER: Final = Credential(
    "folder",
    "the folder shared with the bank's own programme: it takes files from out/ and puts"
    " answers into in/",
    secret=False,
)


def folder_of(given: Mapping[str, str]) -> Path:
    """The folder that a rail was told, as it is on this machine."""
    return Path(given[FOLDER.name]).expanduser().absolute()


class FileRules(Protocol):
    """One format of bank files; ``suffix`` ends their names."""

    suffix: str

    @abstractmethod
    def refusal(self, instruction: Instruction) -> str | None:
        """Why an instruction can never be sent this way."""

    @abstractmethod
    def render(self, batch: Batch) -> bytes:
        """The file of a batch: the same batch, the same bytes."""

    @abstractmethod
    def identity(self, instruction: Instruction) -> str:
        """The key as the file has it."""

    @abstractmethod
    def identities(self, data: bytes) -> list[str]:
        """All keys in a file of ours."""

    @abstractmethod
    def read(self, data: bytes, name: str, keys_of: KeysOf) -> list[PayoutNews]:
        """A bank's document. Raises HalfWritten or WrongDocument."""

    def paid(self, batch: Batch) -> datetime | None:
        """When silence has come to mean that a batch was paid; None where the bank tells it."""
        return None

    def prepare(self, batch: Batch) -> None:
        """What must be on disk before the file may leave; raises OSError."""


class FileRail:
    """The protocol Rail, over folders. One object belongs to one process, files to all.

    Folders are read and written in a thread, since a disk may be slow; raising OSError there
    means NotSent only where what is on disk says so.
    """

    def __init__(self, name: str, max_batch: int, folder: Path, rules: FileRules) -> None:
        self._name, self._max_batch, self._rules = name, max_batch, rules
        self._outbox, self._inbox = Outbox(folder), Inbox(folder, name)
        try:
            self._outbox.make()
            self._inbox.make()
        except OSError as error:
            raise ConfigurationError(
                f"The folder of the rail {name} cannot be used: {error.strerror}.",
                hint=f"Make {folder} writable, or set another one.",
            ) from None

    @property
    def name(self) -> str:
        return self._name

    @property
    def max_batch(self) -> int:
        return self._max_batch

    def refusal(self, instruction: Instruction) -> str | None:
        if not _IDENTIFIER.fullmatch(instruction.key):
            return "The key of a payout is 1 to 35 letters, digits and hyphens."
        return self._rules.refusal(instruction)

    async def submit(self, batch: Batch) -> Mapping[str, PayoutOutcome]:
        return await asyncio.to_thread(self._submit, batch)

    async def inquire(self, batch: Batch) -> Mapping[str, PayoutOutcome]:
        return await asyncio.to_thread(self._inquire, batch)

    async def news(self, cursor: str | None) -> tuple[Sequence[PayoutNews], str | None]:
        try:
            return await asyncio.to_thread(self._inbox.news, cursor, self._read)
        except OSError as error:
            # What could not be read now is still there at the next call.
            _LOG.error("rail.inbox_unreadable", rail=self._name, reason=error.strerror)
            return (), cursor

    async def close(self) -> None:
        """Nothing is held open."""

    def _submit(self, batch: Batch) -> Mapping[str, PayoutOutcome]:
        self._check(batch)
        name = self._file_of(batch.batch_id)
        try:
            if self._outbox.state(name) is not Handed.OUT:
                self._rules.prepare(batch)
                self._outbox.hand_over(name, self._rules.render(batch))
        except OSError as error:
            _LOG.error("rail.file_not_handed_over", rail=self._name, reason=error.strerror)
        return self._inquire(batch)

    def _inquire(self, batch: Batch) -> Mapping[str, PayoutOutcome]:
        """What the folders say; they are asked after every try, whatever it raised."""
        name = self._file_of(batch.batch_id)
        try:
            state = self._outbox.state(name)
            kept = self._outbox.kept(name) or b""
        except OSError as error:
            lost = Unknown(f"The folder of the rail {self._name} cannot be read ({error.strerror})")
            return {each.payout_id: lost for each in batch.instructions}
        if state is not Handed.OUT:
            return {
                each.payout_id: NotSent("The file was not handed over to the bank")
                for each in batch.instructions
            }
        there = frozenset(self._rules.identities(kept))
        paid = self._rules.paid(batch)
        told = Submitted(name) if paid is None else PaidOut(name, paid)
        return {
            each.payout_id: told
            if self._rules.identity(each) in there
            else Unknown(f"The file {name} was handed over without this payout in it")
            for each in batch.instructions
        }

    def _check(self, batch: Batch) -> None:
        """A batch that breaks the contract is a programming error, and nothing of it leaves."""
        keys = {each.key for each in batch.instructions}
        if not _IDENTIFIER.fullmatch(batch.batch_id):
            raise ValueError("a batch's id is 1 to 35 letters, digits and hyphens")
        if not 0 < len(batch.instructions) <= self._max_batch:
            raise ValueError(f"a batch of {self._name} has 1 to {self._max_batch} instructions")
        if len(keys) != len(batch.instructions):
            raise ValueError("a key stands twice in one batch")
        refused = next(filter(None, map(self.refusal, batch.instructions)), None)
        if refused is not None:
            raise ValueError(f"an instruction can never be sent: {refused}")

    def _read(self, data: bytes, name: str) -> list[PayoutNews]:
        return self._rules.read(data, name, self._keys_of)

    def _file_of(self, batch_id: str) -> str:
        return f"{batch_id}{self._rules.suffix}"

    def _keys_of(self, batch_id: str) -> Sequence[str]:
        if not _IDENTIFIER.fullmatch(batch_id):
            return ()
        kept = self._outbox.kept(self._file_of(batch_id))
        return () if kept is None else self._rules.identities(kept)
