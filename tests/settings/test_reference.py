"""The reference of settings says what the code says, row by row."""

from pathlib import Path

import pytest

from clearhouse.psp import rail_registry, registry
from clearhouse.settings import SETTINGS, Setting
from clearhouse.settings.table import credential_settings, rail_settings

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "settings.md"
CREDENTIALS = [
    *(one for psp in registry.names() for one in credential_settings(psp)),
    *(one for rail in rail_registry.names() for one in rail_settings(rail)),
]


def row(setting: Setting) -> str:
    """A setting's row in the reference."""
    default = f"`{setting.default}`" if setting.default else "unset"
    if setting.secret:
        default += ", secret"
    if setting.name == "data_directory":
        default = "see below"
    meaning = setting.meaning.replace("|", "\\|")
    return f"| `{setting.variable}` | {setting.kind.name} | {default} | {meaning} |"


@pytest.mark.parametrize("setting", [*SETTINGS, *CREDENTIALS], ids=lambda one: one.name)
def test_every_setting_stands_in_the_reference_with_its_kind_default_and_meaning(
    setting: Setting,
) -> None:
    assert row(setting) in REFERENCE.read_text(encoding="utf-8").splitlines()


def test_the_reference_names_no_setting_that_is_none() -> None:
    known = {setting.variable for setting in [*SETTINGS, *CREDENTIALS]}
    rows = [line for line in REFERENCE.read_text("utf-8").splitlines() if line.startswith("| `CL")]
    assert len(rows) == len(known)
    assert {line.split("`")[1] for line in rows} == known
