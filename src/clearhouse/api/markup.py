"""HTML for the documentation pages: escaping, a little Markdown, JSON in colours, a frame.

Written here instead of a bundled renderer, so that the pages work offline, run no script and
send a browser nowhere else.
"""

import json
import re
from base64 import b64encode
from hashlib import sha256
from html import escape
from importlib import resources
from typing import Any, Final

_STYLE: Final = resources.files("clearhouse.api").joinpath("docs.css").read_text(encoding="utf-8")
_STYLE_HASH: Final = b64encode(sha256(_STYLE.encode()).digest()).decode()
POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The Content-Security-Policy of every page: its own style, and nothing else at all."""

_JSON_TOKENS: Final = re.compile(
    r'(?P<key>"(?:[^"\\]|\\.)*")(?=\s*:)|(?P<text>"(?:[^"\\]|\\.)*")'
    r"|(?P<word>\btrue\b|\bfalse\b|\bnull\b)|(?P<number>-?\b[0-9.]+\b)"
)


def text(words: str) -> str:
    """Words with `code`, **bold** and paragraphs, as HTML."""
    return "".join(f"<p>{phrase(part)}</p>" for part in words.split("\n\n"))


def phrase(words: str) -> str:
    """Words of one paragraph, as HTML."""
    marked = re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(words))
    return re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", marked)


def code(shown: str, caption: str = "") -> str:
    """A block of text as it is."""
    title = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    return f"<figure>{title}<pre><code>{escape(shown)}</code></pre></figure>"


def json_block(value: Any, caption: str = "") -> str:
    """A JSON value, coloured; a text (such as metrics) as it is."""
    if isinstance(value, str):
        return code(value, caption)
    raw = json.dumps(value, indent=2, ensure_ascii=False)
    parts: list[str] = []
    end = 0
    for match in _JSON_TOKENS.finditer(raw):
        parts.append(escape(raw[end : match.start()]))
        parts.append(f'<span class="{match.lastgroup}">{escape(match[0])}</span>')
        end = match.end()
    parts.append(escape(raw[end:]))
    title = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    return f"<figure>{title}<pre><code>{''.join(parts)}</code></pre></figure>"


def page(title: str, navigation: str, content: str) -> bytes:
    """A whole document."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><link rel="icon" href="data:,">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>"
        f'<nav aria-label="Contents">{navigation}</nav><main>{content}</main></body></html>'
    ).encode()
