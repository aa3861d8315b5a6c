"""The reference page of the Braintree sandbox: its example runs, its tables hold."""

import re
from pathlib import Path
from typing import Any

import pytest
from tests.sandbox.braintree_world import codes, world

from clearhouse.sandbox.braintree.responses import response_of
from clearhouse.sandbox.faults import BEFORE, Fault

PAGE = (Path(__file__).parents[2] / "docs/reference/sandbox-braintree.md").read_text("utf-8")


def test_the_example_runs():
    [example] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    with world() as shop:
        names: dict[str, Any] = {}
        exec(re.sub(r'port = "\d+"', f'port = "{shop.sandbox.port}"', example), names)
        assert names["result"].transaction.status == "submitted_for_settlement"
        assert shop.found("order-1") == [names["result"].transaction.id]


def test_every_fault_is_in_the_table_and_says_whether_it_charges():
    rows = re.findall(r"^\| `([a-z-]+)` \| .* \| (yes|no) \|$", PAGE, re.MULTILINE)
    assert dict(rows) == {fault.value: "no" if fault in BEFORE else "yes" for fault in Fault}


def test_the_soft_declines_are_all_named():
    [named] = re.findall(r"is `soft_declined` for (.*?), and from", PAGE)
    soft: set[int] = set()
    for part in re.split(r", ", named):
        first, _, last = part.partition(" to ")
        soft |= set(range(int(first), int(last or first) + 1))
    soft |= {*range(2109, 3001)}
    found = {code for code in range(2000, 3001) if response_of(str(code)).type == "soft_declined"}
    assert soft == found


@pytest.mark.parametrize(
    ("nonce", "code"), re.findall(r"^\| `(fake-\S+)` \| (\d+) \|$", PAGE, re.MULTILINE)
)
def test_the_refused_nonces_have_their_codes(nonce, code):
    with world() as shop:
        assert codes(shop.sale(payment_method_nonce=nonce)) == [code]
