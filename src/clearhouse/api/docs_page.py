"""The documentation pages: the whole API on one page, and a page for each type of problem."""

import json
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any, Final

from clearhouse.access.model import Scope
from clearhouse.api.markup import code, json_block, page, phrase, text
from clearhouse.api.openapi import openapi_document, problem_example
from clearhouse.api.operation import Operation, Parameter
from clearhouse.api.operations import OPERATIONS
from clearhouse.api.problem_types import TYPES, ProblemType

_SCOPES: Final = {
    Scope.PAYMENTS_WRITE: "accept payments",
    Scope.PAYMENTS_READ: "read payment orders, checkouts and refunds",
    Scope.REFUNDS_WRITE: "refund payments",
    Scope.DISPUTES_READ: "read disputes",
    Scope.DISPUTES_WRITE: "answer disputes: send evidence, or give in",
    Scope.PAYOUTS_WRITE: "pay sellers, and cancel what is not sent yet",
    Scope.PAYOUTS_APPROVE: "let payouts go that somebody else created",
    Scope.PAYOUTS_READ: "read payouts, and where and when sellers are paid",
    Scope.SELLERS_WRITE: "say where and when sellers are paid",
    Scope.BREAKS_READ: "read what reconciliation found to differ",
    Scope.BREAKS_WRITE: "decide, assign, comment and reopen what differs",
    Scope.FILES_WRITE: "hand in settlement reports and bank statements",
    Scope.WALLETS_READ: "read what sellers are owed",
    Scope.WALLETS_WRITE: "stop sellers' payouts, and let them go on",
    Scope.FEES_READ: "read what the platform earns of sales, and what PSPs take",
    Scope.WEBHOOKS_READ: "read webhook endpoints and what was delivered to them",
    Scope.WEBHOOKS_WRITE: "add and change webhook endpoints, send again",
}


def docs_page() -> bytes:
    """The API on one page."""
    document = openapi_document()
    schemas: dict[str, Any] = document["components"]["schemas"]
    info = document["info"]
    header = (
        f"<header><h1>clearhouse API</h1>{text(info['description'])}"
        f'<p class="meta">Version {escape(info["version"])} · '
        '<a href="/openapi.json">OpenAPI 3.1 document</a></p></header>'
    )
    sections = [
        header,
        _authentication(),
        *(_operation(operation, schemas) for operation in OPERATIONS),
        _problems(),
    ]
    return page("clearhouse API", _navigation(), "".join(sections))


def problem_page(kind: ProblemType) -> bytes:
    """One type of problem: what it means, and what to do."""
    content = (
        f'<section class="problem"><p class="meta">{kind.status} · <code>{kind.uri}</code></p>'
        f"<h1>{escape(kind.title)}</h1>{text(kind.meaning)}<h2>What to do</h2>{text(kind.remedy)}"
        f"<h2>What it looks like</h2>{json_block(problem_example(kind))}</section>"
    )
    return page(f"{kind.title} · clearhouse API", _navigation("/docs"), content)


def _navigation(base: str = "") -> str:
    parts = [f'<a class="home" href="{base or "#"}">clearhouse</a>', "<ul>"]
    parts.append(f'<li><a href="{base}#authentication">Authentication</a></li></ul>')
    for tag in dict.fromkeys(operation.tag for operation in OPERATIONS):
        parts.append(f"<h2>{escape(tag)}</h2><ul>")
        parts.extend(
            f'<li><a href="{base}#{operation.name}">{_method(operation.method)}'
            f"{escape(operation.summary)}</a></li>"
            for operation in OPERATIONS
            if operation.tag == tag
        )
        parts.append("</ul>")
    parts.append(f'<h2>Errors</h2><ul><li><a href="{base}#problems">Problem types</a></li></ul>')
    return "".join(parts)


def _method(method: str) -> str:
    return f'<span class="method {method.lower()}">{method}</span>'


def _authentication() -> str:
    rows = "".join(
        f"<tr><td><code>{scope.value}</code></td><td>{escape(_SCOPES[scope])}</td></tr>"
        for scope in Scope
    )
    words = text(
        "Send your key as `Authorization: Bearer ch_key_…`. Keys are made with "
        "`clearhouse keys create`, shown once, and carry scopes:"
    )
    example = code(
        'curl "$CLEARHOUSE/v1/payments" \\\n  -H "Authorization: Bearer $CLEARHOUSE_KEY"',
        "With curl",
    )
    return (
        '<section id="authentication"><div><h2>Authentication</h2>'
        f"{words}<table>{rows}</table></div><div>{example}</div></section>"
    )


def _operation(operation: Operation, schemas: Mapping[str, Any]) -> str:
    scope = (
        f'<p class="meta">Needs the scope <code>{operation.scope.value}</code></p>'
        if operation.scope
        else '<p class="meta">Needs no key</p>'
    )
    parts = [
        f'<p class="route">{_method(operation.method)}<code>{escape(operation.path)}</code></p>',
        scope,
        text(operation.description),
        _parameters(operation.parameters),
    ]
    if operation.request:
        parts.append(_fields("Body", operation.request.__name__, schemas))
    if operation.response:
        parts.append(_fields(f"Answer {operation.status}", operation.response.__name__, schemas))
    parts.append(_links("Problems", operation.all_problems))
    samples = [_curl(operation)]
    if len(operation.request_examples) > 1:
        inner = "".join(
            json_block(value, f"Request: {name}")
            for name, value in list(operation.request_examples.items())[1:]
        )
        samples.append(f"<details><summary>More requests</summary>{inner}</details>")
    samples.append(json_block(operation.response_example, f"Answer {operation.status}"))
    return (
        f'<section id="{operation.name}"><div><h2>{escape(operation.summary)}</h2>'
        f"{''.join(parts)}</div><div>{''.join(samples)}</div></section>"
    )


def _curl(operation: Operation) -> str:
    path = operation.path
    for parameter in operation.parameters:
        if parameter.place == "path":
            path = path.replace(f"{{{parameter.name}}}", str(parameter.example))
    lines = [f'curl "$CLEARHOUSE{path}"']
    if operation.scope:
        lines.append('  -H "Authorization: Bearer $CLEARHOUSE_KEY"')
    if operation.request_examples:
        body = json.dumps(next(iter(operation.request_examples.values())), indent=2)
        lines += ['  -H "Content-Type: application/json"', f"  -d '{body}'"]
    return code(" \\\n".join(lines), "Request")


def _parameters(parameters: Iterable[Parameter]) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(parameter.name)}</code><small>{parameter.place}</small></td>"
        f"<td>{phrase(parameter.description)}{_limits(parameter.schema)}</td></tr>"
        for parameter in parameters
    )
    return f"<h3>Parameters</h3><table>{rows}</table>" if rows else ""


def _fields(title: str, name: str, schemas: Mapping[str, Any]) -> str:
    return f"<h3>{escape(title)}</h3>{_table(schemas[name], schemas)}"


def _table(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> str:
    required = set(schema.get("required", ()))
    rows: list[str] = []
    for name, member in schema["properties"].items():
        inner = _inner(member, schemas)
        optional = "" if name in required else "<small>optional</small>"
        words = member.get("description") or (inner or {}).get("description", "")
        nested = ""
        if inner is not None and "properties" in inner:
            nested = f"<details><summary>Fields</summary>{_table(inner, schemas)}</details>"
        rows.append(
            f"<tr><td><code>{escape(name)}</code>{optional}<small>{_kind(member, schemas)}</small>"
            f"</td><td>{phrase(words)}{_limits(member)}{nested}</td></tr>"
        )
    return f"<table>{''.join(rows)}</table>"


def _inner(member: Mapping[str, Any], schemas: Mapping[str, Any]) -> Mapping[str, Any] | None:
    target: Mapping[str, Any] = member.get("items", member)
    for option in target.get("anyOf", (target,)):
        if "$ref" in option:
            return schemas[option["$ref"].rsplit("/", 1)[-1]]
    return None


def _kind(member: Mapping[str, Any], schemas: Mapping[str, Any]) -> str:
    if "anyOf" in member:
        return " or ".join(_kind(option, schemas) for option in member["anyOf"])
    if "$ref" in member:
        inner = _inner(member, schemas) or {}
        return escape(str(inner.get("type", "string")))
    if member.get("type") == "array":
        return f"list of {_kind(member.get('items', {}), schemas)}s"
    return escape(str(member.get("format") or member.get("type", "any")))


def _limits(schema: Mapping[str, Any]) -> str:
    words: list[str] = []
    if "enum" in schema:
        words.append("One of " + ", ".join(f"`{value}`" for value in schema["enum"]) + ".")
    if "minimum" in schema:
        words.append(f"{schema['minimum']} to {schema['maximum']}.")
    if "default" in schema:
        words.append(f"{schema['default']} unless given.")
    if "maxItems" in schema:
        words.append(f"{schema.get('minItems', 0)} to {schema['maxItems']} items.")
    return f'<span class="limits">{phrase(" ".join(words))}</span>' if words else ""


def _links(title: str, slugs: Iterable[str]) -> str:
    kinds = sorted((TYPES[slug] for slug in slugs), key=lambda kind: (kind.status, kind.slug))
    items = "".join(
        f'<li><a href="{kind.uri}">{kind.status} {kind.slug}</a></li>' for kind in kinds
    )
    return f'<h3>{title}</h3><ul class="chips">{items}</ul>'


def _problems() -> str:
    rows = "".join(
        f'<tr><td><a href="{kind.uri}"><code>{kind.slug}</code></a><small>{kind.status}</small>'
        f"</td><td>{phrase(kind.meaning)}</td></tr>"
        for kind in TYPES.values()
    )
    words = text(
        "Every error is `application/problem+json`. Branch on `type`, show `detail` to people, "
        "and quote `request_id` when you ask for help."
    )
    example = json_block(problem_example(TYPES["validation-failed"]), "An example")
    return (
        f'<section id="problems"><div><h2>Problem types</h2>{words}<table>{rows}</table></div>'
        f"<div>{example}</div></section>"
    )
