"""camt.053 statements of any version, read as a stream.

Why not the package camt053: it takes the whole document as one string and builds it as a tree,
so its memory grows with the file; and it takes str alone, so the encoding that the XML declares
would be decided by whoever opened the file. Here the parser of the standard library is fed piece
by piece, only one entry is in memory at a time, and a document type is refused before anything
in it is read.

An entry that names several transactions with amounts of their own (a batch) is told as these.
Entries that are only pending are left out: they are not booked yet.
"""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any, Final
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from clearhouse.kernel.money import MoneyError, parse_minor
from clearhouse.psp.banks.statements import Balance, BankLine, Keys, Said, Sums
from clearhouse.psp.banks.xml import CUT_OFF, local, text
from clearhouse.psp.settlements import Trouble, TroubleKind

_OPENING: Final = ("OPBD", "PRCD")
_CLOSING: Final = ("CLBD",)
_DEEPEST: Final = 64
_ENCODINGS: Final = frozenset(
    {
        expat.errors.codes[expat.errors.XML_ERROR_INCORRECT_ENCODING],
        expat.errors.codes[expat.errors.XML_ERROR_UNKNOWN_ENCODING],
    }
)
_PARTS: Final = frozenset({"Acct", "Bal", "Ntry", "TxsSummry"})


class _Wrong(Exception):
    """The document is none that can be read."""


def read_statement(content: Iterable[bytes]) -> Iterator[Said]:
    """All that a file of statements says."""
    document = _Document()
    parser: Any = document.parser
    try:
        for piece in content:
            parser.Parse(piece, False)
            yield from document.said()
        parser.Parse(b"", True)
        yield from document.said()
    except expat.ExpatError as error:
        yield from document.said()
        yield _unparsable(error)
    except LookupError:
        problem = "The document declares an encoding that nobody knows."
        yield Trouble(0, TroubleKind.WRONG_ENCODING, problem)
    except _Wrong as wrong:
        yield from document.said()
        yield Trouble(0, TroubleKind.NOT_THIS_REPORT, f"The file is no camt.053: {wrong}.")


def _unparsable(error: expat.ExpatError) -> Trouble:
    if error.code in CUT_OFF:
        return Trouble(error.lineno, TroubleKind.CUT_OFF, "The document does not come to its end.")
    if error.code in _ENCODINGS:
        problem = "The document is not in the encoding that it declares."
        return Trouble(0, TroubleKind.WRONG_ENCODING, problem)
    return Trouble(error.lineno, TroubleKind.NOT_THIS_REPORT, "The file is not well-formed XML.")


class _Document:
    """Takes the parser's events, and keeps what they say until it is asked."""

    def __init__(self) -> None:
        parser: Any = expat.ParserCreate(namespace_separator="}")
        parser.StartElementHandler, parser.EndElementHandler = self._start, self._end
        parser.CharacterDataHandler = self._text
        parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = self._refuse
        parser.buffer_text = True
        self.parser = parser
        self._path: list[str] = []
        self._builder: TreeBuilder | None = None
        self._depth = 0
        self._said: list[Said] = []
        self._statement = _Statement()

    def said(self) -> Iterator[Said]:
        """What was said since the last time."""
        said, self._said = self._said, []
        return iter(said)

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        name = local(tag)
        self._path.append(name)
        if len(self._path) > _DEEPEST:
            raise _Wrong("its elements are nested too deeply")
        if len(self._path) == 2 and name != "BkToCstmrStmt":
            raise _Wrong(f"it holds {name[:40]}")
        if self._builder is None and len(self._path) == 4 and name in _PARTS:
            self._builder, self._depth = TreeBuilder(), len(self._path)
        if self._builder is not None:
            self._builder.start(name, {local(key): value for key, value in attributes.items()})
        elif name == "Stmt" and len(self._path) == 3:
            self._statement = _Statement()

    def _end(self, tag: str) -> None:
        if self._builder is not None:
            self._builder.end(local(tag))
            if len(self._path) == self._depth:
                element, self._builder = self._builder.close(), None
                self._said += self._statement.take(element, self.parser.CurrentLineNumber)
        elif self._path == ["Document", "BkToCstmrStmt", "Stmt"]:
            self._said += self._statement.end(self.parser.CurrentLineNumber)
        self._path.pop()

    def _text(self, data: str) -> None:
        if self._builder is not None:
            self._builder.data(data)

    def _refuse(self, *_of: object) -> None:
        raise _Wrong("it has a document type, which bank documents have not")


class _Statement:
    """One statement of one account."""

    def __init__(self) -> None:
        self._account = ""
        self._keys = Keys()
        self._sums = Sums()
        self._balances: dict[str, tuple[int, str, date]] = {}
        self._promised: int | None = None

    def take(self, part: Element, line: int) -> Iterator[Said]:
        """What one part of it says."""
        try:
            if part.tag == "Acct":
                self._account = text(part, "Id/IBAN") or text(part, "Id/Othr/Id")
            elif part.tag == "Bal":
                minor, currency = _amount(part)
                day = date.fromisoformat((text(part, "Dt/Dt") or text(part, "Dt/DtTm"))[:10])
                self._balances[text(part, "Tp/CdOrPrtry/Cd")] = (minor, currency, day)
            elif part.tag == "TxsSummry":
                count = text(part, "TtlNtries/NbOfNtries")
                self._promised = int(count) if count else None
            elif (text(part, "Sts/Cd") or text(part, "Sts")) != "PDNG":
                return iter(self._entry(part))
        except (MoneyError, ValueError) as error:
            told = str(error) if isinstance(error, MoneyError) else "a value makes no sense"
            problem = f"A {part.tag} cannot be read: {told}."
            return iter([Trouble(line, TroubleKind.UNREADABLE_LINE, problem)])
        return iter(())

    def end(self, line: int) -> Iterator[Said]:
        """Its balance, and what does not add up."""
        if self._promised is not None and self._promised != self._sums.count:
            problem = f"The statement promises {self._promised} entries, not {self._sums.count}."
            yield Trouble(line, TroubleKind.WRONG_TOTAL, problem)
        opening = next(filter(None, map(self._balances.get, _OPENING)), None)
        closing = next(filter(None, map(self._balances.get, _CLOSING)), None)
        known = closing or opening
        if known is None:
            return
        balance = Balance(
            self._account,
            known[1],
            known[2],
            opening[0] if opening else None,
            closing[0] if closing else None,
        )
        yield from self._sums.check(balance, line)

    def _entry(self, entry: Element) -> list[Said]:
        amount, currency = _amount(entry)
        self._sums.add(amount)
        booked = _date(entry, "BookgDt") or _date(entry, "ValDt")
        if booked is None:
            raise ValueError
        whole = BankLine(
            "",
            self._account,
            currency,
            amount,
            booked,
            _date(entry, "ValDt") or booked,
            "",
            text(entry, "AddtlNtryInf"),
            "",
            "",
        )
        bank_reference = text(entry, "AcctSvcrRef")
        details = entry.findall("NtryDtls/TxDtls")
        if len(details) < 2:
            line = _detailed(whole, details[0], amount) if details else whole
            return [line._replace(key=bank_reference or self._keys.key(line))]
        lines = self._batch(whole, details)
        return [
            line._replace(key=f"{bank_reference}/{n}" if bank_reference else self._keys.key(line))
            for n, line in enumerate(lines, 1)
        ]

    def _batch(self, whole: BankLine, details: list[Element]) -> list[BankLine]:
        """The transactions of an entry; it stays one line where they are not all of it."""
        try:
            amounts = [_amount(each, whole.amount_minor) for each in details]
        except (MoneyError, ValueError):
            return [whole]
        right = all(currency == whole.currency for _, currency in amounts)
        if not right or sum(minor for minor, _ in amounts) != whole.amount_minor:
            return [whole]
        return [
            _detailed(whole, each, minor) for each, (minor, _) in zip(details, amounts, strict=True)
        ]


def _detailed(whole: BankLine, details: Element, amount: int) -> BankLine:
    reference = text(details, "Refs/EndToEndId")
    told = [each.text.strip() for each in details.findall("RmtInf/Ustrd") if each.text]
    told += [text(details, "RmtInf/Strd/CdtrRefInf/Ref"), text(details, "AddtlTxInf")]
    other = "Dbtr" if amount >= 0 else "Cdtr"
    name = text(details, f"RltdPties/{other}/Pty/Nm") or text(details, f"RltdPties/{other}/Nm")
    return whole._replace(
        amount_minor=amount,
        reference="" if reference == "NOTPROVIDED" else reference,
        text=" ".join(filter(None, told)) or whole.text,
        counterparty=name,
        returned=text(details, "RtrInf/Rsn/Cd"),
    )


def _amount(part: Element, like: int | None = None) -> tuple[int, str]:
    """An amount with its sign; ``like`` has the sign where the part itself tells none."""
    amount = part.find("Amt")
    if amount is None:
        amount = part.find("AmtDtls/TxAmt/Amt")
    if amount is None or not amount.text:
        raise ValueError
    currency = amount.get("Ccy", "")
    minor = _minor(amount.text.strip(), currency)
    side = text(part, "CdtDbtInd")
    negative = like < 0 if not side and like is not None else side == "DBIT"
    return (-minor if negative else minor), currency


def _minor(written: str, currency: str) -> int:
    """ISO 20022 allows more decimals than the currency has, as long as they are zeros."""
    whole, point, fraction = written.partition(".")
    kept = fraction.rstrip("0")
    return parse_minor(f"{whole}.{kept}" if point and kept else whole, currency)


def _date(part: Element, name: str) -> date | None:
    written = text(part, f"{name}/Dt") or text(part, f"{name}/DtTm")
    return date.fromisoformat(written[:10]) if written else None
