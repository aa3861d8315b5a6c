"""Around every Stripe endpoint: authentication, parameters, idempotency, headers, errors."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

import msgspec

from clearhouse.sandbox.core import Core, Handler, Request, Response
from clearhouse.sandbox.faults import Fault
from clearhouse.sandbox.idempotency import Answer, Scope
from clearhouse.sandbox.stripe import form
from clearhouse.sandbox.stripe.errors import StripeError, failure, invalid
from clearhouse.sandbox.stripe.events import API_VERSION
from clearhouse.sandbox.stripe.form import Params
from clearhouse.sandbox.stripe.shapes import Json
from clearhouse.sandbox.stripe.shelves import PSP, Shelves

KEY_LIFETIME_US: Final = 24 * 3600 * 1_000_000
"""Stripe forgets keys after at least 24 hours; the sandbox does so at once then."""


@dataclass(slots=True)
class Call:
    """One call of an endpoint: who, with what, and where its objects stand."""

    account: str
    params: Params
    shelves: Shelves
    request: Request
    key: str | None
    base_url: str
    request_id: str

    @property
    def id(self) -> str:
        """The object's id in the path."""
        return self.request.params["id"]


Reply = tuple[int, Json | bytes]
Reader = Callable[[Call], Json]
Effect = Callable[[], Reply]
Writer = Callable[[Call], Effect]
"""Validates (a StripeError raised here is not stored); returns what to do in the transaction."""


def failed(_request: Request, status: int) -> Response:
    """A failure that is not the endpoint's doing."""
    error = failure(status)
    return Response(error.status, error.body(), [("content-type", "application/json")])


class Endpoints:
    """Makes handlers of the frame from readers and writers."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def read(self, reader: Reader) -> Handler:
        """A handler of a GET."""

        async def handler(request: Request) -> Response:
            try:
                call = self._call(request, request.query)
                await request.working_time()
                return self._respond(request, 200, reader(call), call.request_id)
            except StripeError as error:
                return self._respond(request, error.status, error.body())

        return handler

    def download(self, reader: Callable[[Call], bytes], content_type: str) -> Handler:
        """A handler of a GET that answers with a file."""

        async def handler(request: Request) -> Response:
            try:
                call = self._call(request, request.query)
                await request.working_time()
                return Response(200, reader(call), [("content-type", content_type)])
            except StripeError as error:
                return self._respond(request, error.status, error.body())

        return handler

    def write(self, writer: Writer) -> Handler:
        """A handler of a POST, idempotent by ``Idempotency-Key``."""

        async def handler(request: Request) -> Response:
            try:
                return await self._write(request, writer)
            except StripeError as error:
                return self._respond(request, error.status, error.body())

        return handler

    async def _write(self, request: Request, writer: Writer) -> Response:
        call = self._call(request, request.body.decode("utf-8", "replace"))
        if call.key is None:
            effect = writer(call)
            await request.working_time()
            with self._core.truth.transaction():
                status, body = effect()
            return self._respond(request, status, body, call.request_id)
        scope = Scope(PSP, call.account, call.key)
        fingerprint = _fingerprint(request, call.params)
        replay = self._recall(scope, fingerprint, request)
        if replay is not None:
            return replay
        effect = writer(call)
        self._core.answers.in_flight[scope] = fingerprint
        try:
            await request.working_time()
            return self._keep(scope, fingerprint, call, effect)
        finally:
            del self._core.answers.in_flight[scope]

    def _recall(self, scope: Scope, fingerprint: str, request: Request) -> Response | None:
        stored = self._core.answers.recall(scope)
        if stored is not None and self._core.now_us() - stored.created_at > KEY_LIFETIME_US:
            stored = None
        earlier = self._core.answers.in_flight.get(scope, stored and stored.fingerprint)
        if earlier is None:
            return None
        if earlier != fingerprint:
            raise StripeError(
                400,
                "idempotency_error",
                "Keys for idempotent requests can only be used with the same parameters they were"
                f" first used with. Try using a key other than '{scope.key}' if you meant to"
                " execute a different request.",
            )
        if stored is None:
            raise failure(409)
        response = self._respond(request, stored.status, stored.body)
        original = dict(stored.headers)["request-id"]
        response.headers += [("idempotent-replayed", "true"), ("original-request", original)]
        return response

    def _keep(self, scope: Scope, fingerprint: str, call: Call, effect: Effect) -> Response:
        request = call.request
        with self._core.truth.transaction():
            status, body = effect()
            if request.fault is Fault.ERROR_STORED:
                status, body = 500, failure(500).body()
            response = self._respond(request, status, body, call.request_id)
            response.headers.append(("original-request", call.request_id))
            answer = Answer(
                fingerprint, status, response.headers, response.body, self._core.now_us()
            )
            self._core.answers.keep(scope, answer)
        return response

    def _call(self, request: Request, text: str) -> Call:
        account = _account(request)
        try:
            params = form.decode(text)
        except form.FormError as error:
            raise invalid(str(error), param=error.param[:80]) from None
        key = request.headers.get("idempotency-key")
        if key is not None and not 0 < len(key) <= 255:
            raise invalid("Idempotency-Key must be at most 255 characters long")
        base_url = f"http://{request.headers.get('host', 'localhost')}"
        request_id = self._request_id()
        shelves = Shelves(self._core, account, request_id, key)
        return Call(account, params, shelves, request, key, base_url, request_id)

    def _request_id(self) -> str:
        return f"req_{self._core.name(14)}"

    def _respond(
        self, request: Request, status: int, body: Json | bytes, request_id: str | None = None
    ) -> Response:
        headers = [
            ("content-type", "application/json"),
            ("request-id", request_id or self._request_id()),
            ("stripe-version", request.headers.get("stripe-version", API_VERSION)),
        ]
        key = request.headers.get("idempotency-key")
        if key is not None:
            headers.append(("idempotency-key", key))
        encoded = body if isinstance(body, bytes) else msgspec.json.encode(body)
        return Response(status, encoded, headers)


def _account(request: Request) -> str:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme != "Bearer" or not key:
        raise StripeError(
            401,
            "invalid_request_error",
            "You did not provide an API key. You need to provide your API key in the Authorization"
            " header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
        )
    if not key.startswith(("sk_test_", "rk_test_")):
        shown = f"{key[:3]}***"
        raise StripeError(401, "invalid_request_error", f"Invalid API Key provided: {shown}")
    connected = request.headers.get("stripe-account", "")
    digest = blake2b(f"{key}/{connected}".encode(), digest_size=8).hexdigest()
    return f"acct_{digest}"


def _fingerprint(request: Request, params: Params) -> str:
    canonical = msgspec.json.encode([request.method, request.path, params], order="sorted")
    return blake2b(canonical, digest_size=16).hexdigest()
