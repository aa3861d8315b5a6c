"""The documentation served: rendered once, sent as bytes, with a policy that lets nothing run."""

from functools import cache
from typing import Any, Final

import msgspec
from litestar import Response
from litestar.params import FromPath
from litestar.response import Redirect

from clearhouse.api.docs_page import docs_page, problem_page
from clearhouse.api.markup import POLICY
from clearhouse.api.openapi import openapi_document
from clearhouse.api.problem_types import TYPES
from clearhouse.kernel.errors import NotFound

_HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "public, max-age=300",
}


class Pages:
    """Handlers of the pages for people."""

    async def home(self) -> Response[Any]:
        """Nothing lives at the root; people look for the documentation."""
        return Redirect("/docs")

    async def docs(self) -> Response[Any]:
        """The API on one page."""
        return _html(_docs())

    async def document(self) -> Response[Any]:
        """The OpenAPI document."""
        return Response(_document(), media_type="application/json")

    async def problem(self, slug: FromPath[str]) -> Response[Any]:
        """One type of problem. Raises NotFound for a type that does not exist."""
        if slug not in TYPES:
            raise NotFound("There is no such type of problem.", hint="/docs lists them all.")
        return _html(_problem(slug))


def _html(body: bytes) -> Response[Any]:
    return Response(body, media_type="text/html", headers=_HEADERS)


# Rendered when somebody asks first: most processes are never asked, and start the sooner.
@cache
def _document() -> bytes:
    return msgspec.json.encode(openapi_document())


@cache
def _docs() -> bytes:
    return docs_page()


@cache
def _problem(slug: str) -> bytes:
    return problem_page(TYPES[slug])
