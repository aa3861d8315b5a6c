"""The receiver that the how-to shows does what it says: once, in order, and only what is ours."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "receive-webhooks.md"
SECRET = "whsec_" + "c2VjcmV0" * 4


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """The code of the page, with a secret and a database of its own."""
    monkeypatch.chdir(tmp_path)
    found = re.search(
        r"<!-- test: receiver -->\n```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL
    )
    assert found is not None
    names: dict[str, Any] = {}
    exec(found[1].replace("whsec_...", SECRET), names)  # noqa: S102 - the page's own code
    return names["receive"]


def message(version: int, kind: str, repeat: str = "") -> tuple[dict[str, str], bytes]:
    data = {"version": version, "payment_order_id": "o-1", "amount": "7.50", "currency": "USD"}
    body = json.dumps({"type": kind, "timestamp": "2026-03-01T12:00:00Z", "data": data})
    now, name = datetime.now(UTC), f"msg_{repeat}{version}"
    headers = {
        "webhook-id": name,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(SECRET).sign(name, now, body),
    }
    return headers, body.encode()


def test_what_is_true_is_done_once(receiver: Any, capsys: pytest.CaptureFixture[str]) -> None:
    paid = message(3, "payment_order.succeeded")
    assert [receiver(*paid), receiver(*paid)] == [204, 204]
    assert capsys.readouterr().out == "ship o-1 for 7.50 USD\n"


def test_what_is_older_changes_nothing(receiver: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert receiver(*message(5, "payment_order.reversed")) == 204
    assert receiver(*message(3, "payment_order.succeeded")) == 204
    assert capsys.readouterr().out == ""


def test_what_is_not_ours_is_refused(receiver: Any) -> None:
    headers, body = message(3, "payment_order.succeeded")
    assert receiver(headers, body.replace(b"7.50", b"9.50")) == 400
    assert receiver({**headers, "webhook-timestamp": "1"}, body) == 400
    assert receiver({}, body) == 400
