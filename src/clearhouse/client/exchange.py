"""One call with its repetitions, without any I/O: both clients drive the same conversation.

A call is repeated only where that is safe: what reads always is, and what changes something has
an idempotency key, made once and kept over all tries, so that it is done once whatever is lost.
"""

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

import msgspec

from clearhouse.client.calls import Call
from clearhouse.client.errors import ClientError, ConnectionFailed, error_of
from clearhouse.kernel.randomness import Randomness

T = TypeVar("T")
_AGAIN: Final = frozenset({408, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Retries:
    """How patiently a call is repeated: the waits double from ``first`` to ``longest`` seconds.

    A server's ``Retry-After`` is obeyed where it asks for longer, up to ``longest``.
    """

    tries: int = 5
    first: float = 0.2
    longest: float = 20.0

    def wait(self, tried: int, retry_after: float | None, jitter: float) -> float | None:
        """Seconds to wait after try number ``tried`` (from 1); None: give up.

        ``jitter`` in 0..1 spreads the waits over 50 to 100 %.
        """
        if tried >= self.tries:
            return None
        wait = min(self.first * 2 ** (tried - 1), self.longest) * (0.5 + 0.5 * jitter)
        return max(wait, min(retry_after or 0.0, self.longest))


@dataclass(frozen=True, slots=True)
class Send:
    """What to send now."""

    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Wait:
    """How many seconds to wait before going on."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    body: bytes
    retry_after: str | None


@dataclass(frozen=True, slots=True)
class Lost:
    """Nothing came back; ``reason`` in one line."""

    reason: str


def exchange(
    call: Call[T], retries: Retries, randomness: Randomness, idempotency_key: str | None
) -> Generator[Send | Wait, Answer | Lost | None, T]:
    """Yields what to do and is sent what came of it; returns the answer.

    Raises ClientError.
    """
    headers: dict[str, str] = {}
    key = idempotency_key
    if call.body is not None:
        key = key or randomness.token(16).hex()
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
    tried = 0
    while True:
        answer = yield Send(headers)
        tried += 1
        assert answer is not None
        if isinstance(answer, Answer) and 200 <= answer.status < 300:
            return _decoded(call, answer)
        error = _error(answer)
        error.idempotency_key = key
        again = isinstance(answer, Lost) or answer.status in _AGAIN
        asked = _seconds(answer)
        wait = retries.wait(tried, asked, randomness.uniform(0, 1)) if again else None
        if wait is None:
            raise error
        yield Wait(wait)


def _decoded(call: Call[T], answer: Answer) -> T:
    try:
        return msgspec.json.decode(answer.body, type=call.answer)
    except msgspec.MsgspecError as error:
        raise ClientError(f"The answer is not what this client knows: {error}.") from None


def _error(answer: Answer | Lost) -> ClientError:
    if isinstance(answer, Lost):
        return ConnectionFailed(f"No answer came: {answer.reason}.")
    return error_of(answer.status, answer.body)


def _seconds(answer: Answer | Lost) -> float | None:
    text = answer.retry_after if isinstance(answer, Answer) else None
    return float(text) if text and text.isascii() and text.isdecimal() else None
