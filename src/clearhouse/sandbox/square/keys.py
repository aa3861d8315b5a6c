"""Square's idempotency: a key is bound to the whole body, and its first answer is given again."""

from collections.abc import Callable
from hashlib import blake2b
from typing import Final

import msgspec

from clearhouse.sandbox.core import Core, Response
from clearhouse.sandbox.idempotency import Answer, Scope
from clearhouse.sandbox.square.endpoint import PSP, Call, respond
from clearhouse.sandbox.square.errors import Json, SquareError, failure, invalid

_REUSED: Final = "Different request parameters used for the same idempotency_key."


async def once(core: Core, call: Call, scope: str, work: Callable[[], Json]) -> Response:
    """The answer of a key: the stored one, or that of ``work``, stored with its effect.

    ``scope`` is the key with what else sets it apart (an endpoint's name). ``work`` runs within a
    transaction; a SquareError that it raises with ``keep`` is an answer like any other, all
    others leave nothing behind.
    """
    place = Scope(PSP, call.account, scope)
    fingerprint = _fingerprint(call.body)
    stored = core.answers.recall(place)
    earlier = core.answers.in_flight.get(place, stored and stored.fingerprint)
    if earlier is not None:
        if earlier != fingerprint:
            raise invalid("IDEMPOTENCY_KEY_REUSED", _REUSED, "idempotency_key")
        if stored is None:
            raise failure(409)
        return respond(call.request, stored.status, stored.body)
    core.answers.in_flight[place] = fingerprint
    try:
        await call.request.working_time()
        with core.truth.transaction():
            try:
                status, content = 200, msgspec.json.encode(work())
            except SquareError as error:
                if not error.keep:
                    raise
                status, content = error.status, error.body()
            core.answers.keep(place, Answer(fingerprint, status, [], content, core.now_us()))
    finally:
        del core.answers.in_flight[place]
    return respond(call.request, status, content)


def _fingerprint(body: Json) -> str:
    return blake2b(msgspec.json.encode(body, order="sorted"), digest_size=16).hexdigest()
