"""XML from outside: parsed without entities or DTDs, and found by local names.

Why not by namespaces: each bank writes the version of ISO 20022 that it has, the elements we read
are the same in all of them, and a new version must not stop payouts.
"""

from collections.abc import Iterator
from typing import Any, Final
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from clearhouse.psp.banks.inbox import HalfWritten, WrongDocument

CUT_OFF: Final = frozenset(
    {
        expat.errors.codes[expat.errors.XML_ERROR_NO_ELEMENTS],
        expat.errors.codes[expat.errors.XML_ERROR_UNCLOSED_TOKEN],
        expat.errors.codes[expat.errors.XML_ERROR_PARTIAL_CHAR],
        expat.errors.codes[expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION],
    }
)
"""What the parser says of a document that ends before its end."""
_DEEPEST: Final = 64


def parse(data: bytes) -> Element:
    """The root element, all tags without their namespaces. Raises HalfWritten, WrongDocument.

    A document type is refused before anything in it is read, so no entity is ever expanded and
    no other file or address is ever opened.
    """
    builder = TreeBuilder()
    parser: Any = expat.ParserCreate(namespace_separator="}")
    depth = 0

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > _DEEPEST:
            raise WrongDocument("its elements are nested too deeply")
        builder.start(local(tag), {local(name): value for name, value in attributes.items()})

    def end(tag: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(local(tag))

    def refuse(*_of: object) -> None:
        raise WrongDocument("it has a document type, which bank documents have not")

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        if error.code in CUT_OFF:
            raise HalfWritten from None
        raise WrongDocument(f"it is not XML (line {error.lineno})") from None
    return builder.close()


def text(element: Element | None, path: str) -> str:
    """The text at a path, without spaces around it; empty where there is none."""
    found = None if element is None else element.find(path)
    return "" if found is None or found.text is None else found.text.strip()


def every(element: Element, path: str) -> Iterator[Element]:
    """All elements at a path."""
    return iter(element.findall(path))


def local(name: str) -> str:
    """A name without its namespace."""
    return name.rpartition("}")[2]
