"""What a body of few members holds, before its members are looked at."""

from typing import Any

from clearhouse.api.problems import HttpError
from clearhouse.api.strict_json import MalformedJson, TooDeep, read_strictly


def document_of(body: bytes) -> Any:
    """The JSON of a body; an empty one counts as an empty object, one nested too deep as None.

    None is no object, so that whoever reads its members refuses it as the wrong type. Raises
    HttpError for what is not JSON.
    """
    try:
        return read_strictly(body or b"{}")
    except TooDeep:
        return None
    except MalformedJson as error:
        raise HttpError("malformed-json", f"The body is not JSON: {error}.") from None
