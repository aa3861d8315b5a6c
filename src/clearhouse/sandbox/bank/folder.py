"""The bank's end of shared folders: it takes files out of ``out/`` and puts answers into ``in/``.

One folder for each format, ``sepa/`` and ``nacha/``, as the rails of those names have them; and
``statements/in``, for the statements of each day in all three formats.
"""

from pathlib import Path
from typing import Final

import structlog

from clearhouse.sandbox.bank.bank import DOCUMENTS, Bank
from clearhouse.sandbox.bank.reading import Refused
from clearhouse.sandbox.core import Core

_LOG = structlog.get_logger(__name__)
_FORMATS: Final = ("sepa", "nacha")
_AT_ONCE: Final = 100


class Folders:
    """Looked into again and again; what is not there yet, is made by the rails."""

    def __init__(self, core: Core, bank: Bank, root: Path) -> None:
        self._core, self._bank, self._root = core, bank, root

    def exchange(self) -> None:
        """Take what is there, and put down what waits."""
        try:
            for form in _FORMATS:
                if (self._root / form / "out").is_dir():
                    self._take(self._root / form)
            self._put()
        except OSError as error:
            _LOG.warning("sandbox.bank_folder_unusable", reason=error.strerror)

    def _take(self, folder: Path) -> None:
        taken = folder / "taken"
        taken.mkdir(mode=0o700, exist_ok=True)
        # Left over: moved here by a bank that was killed before it was through with them.
        for path in sorted(taken.iterdir()):
            self._read(path, again=True)
        for path in sorted((folder / "out").iterdir())[:_AT_ONCE]:
            if not path.name.startswith("."):
                self._read(path.rename(taken / path.name), again=False)

    def _read(self, path: Path, *, again: bool) -> None:
        try:
            self._bank.take(path.read_bytes(), again=again)
        except Refused as refused:
            _LOG.warning("sandbox.bank_refused", file=path.name, code=refused.code)
        path.unlink()

    def _put(self) -> None:
        waiting = self._core.objects.find(
            DOCUMENTS, marks={"waits": "yes"}, limit=_AT_ONCE, newest_first=False
        )
        for found in waiting:
            inbox = self._root / found.body["format"] / "in"
            if not inbox.is_dir():
                continue
            name = found.body["name"]
            partial = inbox / f".{name}.part"
            partial.write_bytes(found.body["document"].encode(found.body["encoding"]))
            partial.rename(inbox / name)
            with self._core.truth.transaction():
                marks = {"waits": "no"}
                self._core.objects.put(DOCUMENTS, name, found.body, created_at=0, marks=marks)
