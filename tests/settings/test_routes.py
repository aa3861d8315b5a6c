"""Routing rules in the settings: what is read, and what is refused with which words."""

from pathlib import Path
from typing import Any

import pytest

from clearhouse.kernel.errors import ConfigurationError
from clearhouse.psp.routing import Rule
from clearhouse.settings import load
from clearhouse.settings.routes import read_rules

FILE = """
[[routing]]
psp = "square"
currencies = ["USD"]
at_least = "1.00"
at_most = "10.00"
brands = ["Visa"]
sellers = ["cafe"]
priority = 10
cost = "2.9% + 0.30"

[[routing]]
psp = "stripe"
weight = 0
cost = "1.45%"
"""


def test_the_tables_of_a_file_become_rules(tmp_path: Path) -> None:
    file = tmp_path / "clearhouse.toml"
    file.write_text(FILE)
    assert load({}, file=file).settings.routing == (
        Rule(
            "square", frozenset({"USD"}), frozenset({"cafe"}), frozenset({"visa"}), 100, 1000,
            priority=10, cost_basis_points=290, cost_minor=30,
        ),
        Rule("stripe", weight=0, cost_basis_points=145),
    )  # fmt: skip


def test_a_variable_holds_json_and_nothing_means_no_rules() -> None:
    given = load({"CLEARHOUSE_ROUTING": '[{"psp": "stripe", "priority": 1}]'})
    assert given.settings.routing == (Rule("stripe", priority=1),)
    assert load({}).settings.routing == ()


USD = {"psp": "stripe", "currencies": ["USD"]}


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ("no json",                                    "JSON list"),
        ("{}",                                         "list of routing rules"),
        (["stripe"],                                   "number 1 is no table"),
        ([{}],                                         "number 1 needs psp, one of braintree"),
        ([{"psp": "adyen"}],                           "number 1 needs psp"),
        ([{"psp": ["stripe"]}],                        "number 1 needs psp"),
        ([USD, {**USD, "prio": 1}],                    "number 2 has 'prio', which is none of"),
        ([{"psp": "stripe", "currencies": ["usd"]}],   "'usd', which is no ISO 4217 currency"),
        ([{"psp": "stripe", "currencies": "USD"}],     "currencies that is no list of words"),
        ([{"psp": "stripe", "at_least": "1"}],         "needs exactly one currency"),
        ([{**USD, "at_least": 1}],                     "no amount as text"),
        ([{**USD, "at_least": "-1"}],                  "no amount as text"),
        ([{**USD, "at_least": "0.001"}],               "USD has 2 decimals"),
        ([{**USD, "at_least": "2", "at_most": "1"}],   "at_least above at_most"),
        ([{**USD, "weight": -1}],                      "weight that is no whole number"),
        ([{**USD, "priority": True}],                  "priority that is no whole number"),
        ([{**USD, "cost": "cheap"}],                   "cost that is not such as"),
        ([{**USD, "cost": ""}],                        "cost that is not such as"),
        ([{"psp": "stripe", "cost": "1% + 0.30"}],     "needs exactly one currency"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(raw: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read_rules(raw)


def test_a_wrong_rule_stops_the_start() -> None:
    with pytest.raises(ConfigurationError) as caught:
        load({"CLEARHOUSE_ROUTING": '[{"psp": "adyen"}]'})
    assert caught.value.hint.startswith("CLEARHOUSE_ROUTING must be routing rules that make sense")
