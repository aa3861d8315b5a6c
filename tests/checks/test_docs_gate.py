"""The gate that keeps the reference complete: names as words of their own, and living links."""

from pathlib import Path

import pytest
from checks import docs, inventory

REFERENCE = """
`payment_order.succeeded` and `clearhouse_orders_total{psp="stripe"}`, told by
`GET /v1/payments/{payment_order_id}`; `card-number-refused-twice`; use stripe.
"""


@pytest.mark.parametrize(
    ("name", "documented"),
    [
        ("payment_order.succeeded", True),
        ("payment_order", True),
        ("order.succeeded", False),
        ("GET /v1/payments/{payment_order_id}", True),
        ("GET /v1/payments", False),
        ("card-number-refused", False),
        ("stripe", True),
        ("square", False),
    ],
)
def test_a_name_counts_as_a_word_of_its_own(name: str, documented: bool) -> None:
    lines = docs.undocumented("name", [name], REFERENCE)
    assert lines == ([] if documented else [f"name {name} is not documented"])


def test_a_metric_is_documented_whatever_its_labels() -> None:
    text = "| `clearhouse_orders_total` | counter |"
    assert docs.undocumented("metric", ["clearhouse_orders_total"], text) == []


def test_dead_links_are_found_in_pages_and_pictures(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/index.md").write_text(
        "[good](why.md#top) [bad](gone.md) [far](https://example.com/x) [here](#below)\n"
        '<img src="images/none.svg">\n'
    )
    (tmp_path / "docs/why.md").write_text("[up](../README.md)\n")
    (tmp_path / "README.md").write_text("[docs](docs/index.md)\n")
    assert docs.dead_links(tmp_path) == [
        "docs/index.md: links to gone.md, which does not exist",
        "docs/index.md: links to images/none.svg, which does not exist",
    ]


def test_metrics_are_read_from_the_source(tmp_path: Path) -> None:
    room = tmp_path / "src/clearhouse"
    room.mkdir(parents=True)
    (room / "a.py").write_text(
        "from prometheus_client import Counter as C, Histogram\n"
        "from collections import Counter\n"
        "one = C('clearhouse_a', 'text')\n"
        "two = Histogram(documentation='text', name='clearhouse_b_seconds')\n"
        "three = Counter('not a metric')\n"
    )
    (room / "b.py").write_text("import prometheus_client as p\nx = p.Gauge('clearhouse_c', 'y')\n")
    assert list(inventory.metrics(tmp_path)) == [
        "clearhouse_a_total",
        "clearhouse_b_seconds",
        "clearhouse_c",
    ]


def test_a_metric_without_a_written_name_is_refused(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src/a.py").write_text(
        "from prometheus_client import Gauge\ng = Gauge(f'x', 'y')\n"
    )
    with pytest.raises(ValueError, match=r"src/a\.py:2: write the metric's name out"):
        inventory.metrics(tmp_path)


def test_the_catalogue_of_events_is_asked() -> None:
    assert "payment_order.succeeded" in inventory.events(Path())
