"""Names and texts in the letters that banks take. Pure.

SEPA's basic set is a to z, A to Z, 0 to 9 and ``/-?:().,'+`` with the space (EPC217-08), and
NACHA takes ASCII; a file with another letter may be refused whole.
"""

import re
import unicodedata
from typing import Final

_TWO_LETTERS: Final = str.maketrans(
    {
        "ß": "ss",
        "æ": "ae",
        "Æ": "AE",
        "œ": "oe",
        "Œ": "OE",
        "ø": "o",
        "Ø": "O",
        "đ": "d",
        "Đ": "D",
        "ł": "l",
        "Ł": "L",
        "þ": "th",
        "Þ": "TH",
        "ð": "d",
        "Ð": "D",
        "ı": "i",
        "€": "EUR",
        "&": "+",
        "_": "-",
        "’": "'",
        "–": "-",
        "—": "-",
    }
)
_OUTSIDE: Final = re.compile(r"[^A-Za-z0-9/\-?:().,'+ ]")


def plain(text: str, longest: int) -> str:
    """The text in SEPA's basic letters, accents taken off, what is left over as a full stop.

    Never empty, and never beginning or ending with a slash or having two in a row, which the rules
    forbid as well.
    """
    spelt = unicodedata.normalize("NFKD", text.translate(_TWO_LETTERS))
    spelt = "".join(letter for letter in spelt if not unicodedata.combining(letter))
    spelt = re.sub(r"/{2,}", "/", _OUTSIDE.sub(".", " ".join(spelt.split())))
    return spelt[:longest].strip(" /") or "."
