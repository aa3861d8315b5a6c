"""The document tells the truth: valid OpenAPI 3.1, complete, and its examples really work."""

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from tests.api.conftest import Server
from tests.api.memory import MemoryPayments, Readiness, memory_dependencies
from tests.api.payloads import fresh

from clearhouse.access.model import Scope
from clearhouse.api.app import create_app, routes
from clearhouse.api.openapi import openapi_document
from clearhouse.api.operations import OPERATIONS
from clearhouse.api.problem_types import TYPES

DOCUMENT: dict[str, Any] = json.loads(json.dumps(openapi_document()))
REFERENCE = Path(__file__).parents[2] / "docs" / "reference"


def schema(value: Any) -> Draft202012Validator:
    """A validator of one schema of the document, references and all."""
    return Draft202012Validator({**value, "components": DOCUMENT["components"]})


def contents() -> list[tuple[str, Any, Any]]:
    """Every example of the document with the schema it must obey."""
    found: list[tuple[str, Any, Any]] = []
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            bodies = dict(operation["responses"])
            if "requestBody" in operation:
                bodies["request"] = operation["requestBody"]
            for status, body in bodies.items():
                for content in body["content"].values():
                    where = f"{method} {path} {status}"
                    if "example" in content:
                        found.append((where, content["schema"], content["example"]))
                    for name, example in content.get("examples", {}).items():
                        found.append((f"{where} {name}", content["schema"], example["value"]))
    return found


def test_the_document_is_valid_openapi() -> None:
    validate(DOCUMENT)
    assert DOCUMENT["openapi"].startswith("3.1")


def test_every_content_has_an_example() -> None:
    bare = [
        f"{path} {status}"
        for path, methods in DOCUMENT["paths"].items()
        for operation in methods.values()
        for status, answer in operation["responses"].items()
        for content in answer["content"].values()
        if "example" not in content and "examples" not in content
    ]
    assert bare == []
    assert len(contents()) > 50


@pytest.mark.parametrize(("where", "kind", "example"), contents(), ids=[c[0] for c in contents()])
def test_every_example_obeys_its_schema(where: str, kind: Any, example: Any) -> None:
    assert [error.message for error in schema(kind).iter_errors(example)] == []


def test_the_document_names_every_route_and_no_other() -> None:
    app = create_app(memory_dependencies(MemoryPayments(), Readiness()))
    served = {
        f"{method} {route.path_format}"
        for route in app.routes
        for method in getattr(route, "methods", ())
        if method != "OPTIONS"
    }
    assert served == set(routes())
    documented = {
        f"{method.upper()} {path}"
        for path, methods in DOCUMENT["paths"].items()
        for method in methods
    }
    assert documented == {operation.route for operation in OPERATIONS}


def test_every_problem_type_is_met_somewhere() -> None:
    met = {slug for operation in OPERATIONS for slug in operation.all_problems}
    # The latter is told to PSPs alone, whose routes are no part of the document.
    assert set(TYPES) - met == {"method-not-allowed", "webhook-not-authentic"}


async def test_every_example_request_is_accepted_and_its_answer_obeys_the_schema(
    server: Server,
) -> None:
    operation = DOCUMENT["paths"]["/v1/payments"]["post"]
    examples = operation["requestBody"]["content"]["application/json"]["examples"]
    answer_schema = operation["responses"]["202"]["content"]["application/json"]["schema"]
    assert len(examples) >= 3
    async with httpx.AsyncClient(
        verify=False, base_url=server.url, headers=server.headers()
    ) as client:
        for example in examples.values():
            answer = await client.post("/v1/payments", json=example["value"])
            assert answer.status_code == 202
            assert list(schema(answer_schema).iter_errors(answer.json())) == []


async def test_every_answer_obeys_its_schema(server: Server) -> None:
    document = fresh()
    async with httpx.AsyncClient(
        verify=False, base_url=server.url, headers=server.headers()
    ) as client:
        await client.post("/v1/payments", json=document)
        order = document["payment_orders"][0]["payment_order_id"]
        urls = {
            "/v1/payments": "/v1/payments?limit=1",
            "/v1/payments/{payment_order_id}": f"/v1/payments/{order}",
            "/v1/checkouts/{checkout_id}": f"/v1/checkouts/{document['checkout_id']}",
            "/healthz": "/healthz",
            "/readyz": "/readyz",
        }
        for path, url in urls.items():
            answer = await client.get(url)
            content = DOCUMENT["paths"][path]["get"]["responses"]["200"]["content"]
            kind = content["application/json"]["schema"]
            assert list(schema(kind).iter_errors(answer.json())) == []
        problem = DOCUMENT["components"]["schemas"]["ProblemView"]
        for url in ("/nowhere", "/v1/payments?limit=x", "/v1/wallets/nobody"):
            assert list(schema(problem).iter_errors((await client.get(url)).json())) == []


async def test_the_pages_are_whole_and_run_nothing(client: httpx.AsyncClient) -> None:
    docs = await client.get("/docs")
    assert docs.headers["content-type"] == "text/html; charset=utf-8"
    assert "<script" not in docs.text
    assert "default-src 'none'" in docs.headers["content-security-policy"]
    assert not re.findall(r'(?:src|href)="https?://', docs.text)
    anchors = set(re.findall(r'id="([^"]+)"', docs.text))
    assert set(re.findall(r'href="#([^"]+)"', docs.text)) <= anchors
    for operation in OPERATIONS:
        assert operation.name in anchors
    for scope in Scope:
        assert f"<code>{scope.value}</code>" in docs.text
    for link in set(re.findall(r'href="(/[^"#]*)', docs.text)):
        assert (await client.get(link)).status_code == 200
    assert (await client.get("/")).headers["location"] == "/docs"
    assert (await client.get("/openapi.json")).json() == DOCUMENT


@pytest.mark.parametrize("slug", TYPES)
async def test_every_problem_type_has_its_page_and_its_place_in_the_reference(
    client: httpx.AsyncClient, slug: str
) -> None:
    kind = TYPES[slug]
    answer = await client.get(kind.uri)
    assert answer.status_code == 200
    assert kind.title in answer.text
    reference = (REFERENCE / "problems.md").read_text(encoding="utf-8")
    section = re.search(rf"^## {slug}\n(.*?)(?=^## |\Z)", reference, re.MULTILINE | re.DOTALL)
    assert section is not None
    assert f"{kind.status}" in section[1]
    assert kind.title in section[1]


async def test_every_metric_of_the_api_is_in_the_reference(client: httpx.AsyncClient) -> None:
    reference = (REFERENCE / "metrics.md").read_text(encoding="utf-8")
    names = re.findall(
        r"^# TYPE (clearhouse_\w+) ", (await client.get("/metrics")).text, re.MULTILINE
    )
    shown = {name for name in names if not name.endswith("_created")}
    assert len(shown) >= 4
    for name in shown:
        assert f"`{name}" in reference
