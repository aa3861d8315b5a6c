"""Disputes: the list of them, one, and how it is answered."""

from collections.abc import Callable
from functools import partial
from hashlib import sha256
from typing import Any, Final

import msgspec
from litestar import Request, Response
from litestar.params import FromPath

from clearhouse.access.model import Scope
from clearhouse.api.authorization import authorized
from clearhouse.api.dependencies import ApiDependencies
from clearhouse.api.dispute_bodies import read_acceptance, read_evidence
from clearhouse.api.dispute_views import (
    DisputeAnswerListView,
    DisputePageView,
    view_answer,
    view_dispute,
)
from clearhouse.api.idempotency import header_key
from clearhouse.api.listing import read_dispute_listing
from clearhouse.api.lookups import json_answer, page_answer, pairs_of, storable
from clearhouse.api.refunds import idempotency_header, read_optional_body
from clearhouse.api.responses import encode
from clearhouse.payments.disputes.answering import AnswerKind, NewAnswer
from clearhouse.psp.disputes import Evidence

AnyRequest = Request[Any, Any, Any]
_PATH: Final = "/v1/disputes"


class Disputes:
    """Handlers of what banks ask back."""

    def __init__(self, deps: ApiDependencies) -> None:
        self._deps = deps

    async def listed(self, request: AnyRequest) -> Response[bytes]:
        """Disputes, newest first, page by page."""
        await authorized(self._deps.keys, request, Scope.DISPUTES_READ)
        stage, before, limit, filters = read_dispute_listing(pairs_of(request))
        page = await self._deps.disputes.list_disputes(before, stage, limit)
        items = [view_dispute(one) for one in page.disputes]
        return page_answer(_PATH, filters, limit, page.next_before, partial(DisputePageView, items))

    async def dispute(self, request: AnyRequest, dispute_id: FromPath[str]) -> Response[bytes]:
        """One dispute."""
        await authorized(self._deps.keys, request, Scope.DISPUTES_READ)
        found = await self._deps.disputes.dispute(storable(dispute_id))
        return json_answer(encode(view_dispute(found)))

    async def answers(self, request: AnyRequest, dispute_id: FromPath[str]) -> Response[bytes]:
        """How a dispute was answered, oldest first."""
        await authorized(self._deps.keys, request, Scope.DISPUTES_READ)
        name = storable(dispute_id)
        found = await self._deps.disputes.answers_of(name)
        items = [view_answer(one, name) for one in found]
        return json_answer(encode(DisputeAnswerListView(items)))

    async def send_evidence(
        self, request: AnyRequest, dispute_id: FromPath[str]
    ) -> Response[bytes]:
        """Answer with evidence."""
        return await self._answer(request, dispute_id, AnswerKind.EVIDENCE, read_evidence)

    async def accept(self, request: AnyRequest, dispute_id: FromPath[str]) -> Response[bytes]:
        """Give in."""
        return await self._answer(request, dispute_id, AnswerKind.ACCEPTANCE, read_acceptance)

    async def _answer(
        self,
        request: AnyRequest,
        dispute_id: str,
        kind: AnswerKind,
        read: Callable[[bytes], Evidence],
    ) -> Response[bytes]:
        deps = self._deps
        key = await authorized(self._deps.keys, request, Scope.DISPUTES_WRITE)
        name = storable(dispute_id)
        key_header = idempotency_header(request)
        evidence = read(await read_optional_body(request, deps.max_body_bytes))
        said = [kind.value, name, evidence.text, sorted(evidence.fields.items())]
        digest = sha256(msgspec.json.encode(said)).digest()
        answer = await deps.disputes.answer(
            NewAnswer(
                api_key_id=key.key_id,
                # Without a key of the client's, what is said is the key.
                idempotency_key=header_key(key_header) or f"d:{digest.hex()}",
                body_hash=digest,
                dispute_id=name,
                kind=kind,
                evidence=evidence,
                render=lambda answer, dispute: encode(view_answer(answer, dispute.public_id)),
            )
        )
        headers = {"Location": f"{_PATH}/{name}/answers"}
        if answer.replayed:
            headers["Idempotency-Replayed"] = "true"
        return json_answer(answer.body, headers, status=202)
