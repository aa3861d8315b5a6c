"""The registry finds adapters by their folders, and says clearly what is wrong."""

from pathlib import Path

import pytest

import clearhouse.psp
from clearhouse.kernel.errors import ConfigurationError
from clearhouse.psp import registry
from clearhouse.psp.contract import Charges, Lookups, PspConfig

COMPLETE = {
    "stripe": {"secret_key": "sk_test_x"},
    "braintree": {
        "merchant_id": "m",
        "public_key": "p",
        "private_key": "k",
        "merchant_accounts": "USD=us",
    },
    "square": {"access_token": "t"},
}

NEW_ADAPTER = """
from datetime import timedelta
from clearhouse.psp.contract import Capabilities
from clearhouse.psp.credentials import Credential

NAME = "{name}"
CAPABILITIES = Capabilities(10, timedelta(hours=1), repeat_is_lookup=False)
CREDENTIALS = (Credential("token", "the token", secret=True),)


def create(config):
    return ("made", config)
"""


def config(credentials: dict[str, str]) -> PspConfig:
    return PspConfig(credentials, "http://127.0.0.1:9", 1.0, 4)


def new_folder(where: Path, name: str, adapter: str | None) -> None:
    folder = where / name
    folder.mkdir()
    (folder / "__init__.py").touch()
    if adapter is not None:
        (folder / "adapter.py").write_text(adapter)


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place for new PSP folders, as if they stood beside the others."""
    monkeypatch.setattr(clearhouse.psp, "__path__", [*clearhouse.psp.__path__, str(tmp_path)])
    return tmp_path


def test_finds_the_three() -> None:
    found = registry.available()
    assert list(found) == ["braintree", "square", "stripe"]
    assert all(factory.name == name for name, factory in found.items())
    lengths = {name: f.capabilities.idempotency_key_length for name, f in found.items()}
    assert lengths == {"braintree": 255, "square": 45, "stripe": 255}


def test_every_credential_is_explained_and_each_psp_has_a_secret() -> None:
    for factory in registry.available().values():
        assert any(credential.secret for credential in factory.credentials)
        for credential in factory.credentials:
            assert credential.meaning
            assert not (credential.secret and credential.default)


@pytest.mark.parametrize("name", COMPLETE)
async def test_makes_adapters_that_charge_and_look_up(name: str) -> None:
    psp = registry.create(name, config(COMPLETE[name]))
    assert psp.name == name
    assert isinstance(psp, Charges)
    assert isinstance(psp, Lookups)
    await psp.close()


def test_a_new_folder_is_found(elsewhere: Path) -> None:
    new_folder(elsewhere, "newpay", NEW_ADAPTER.format(name="newpay"))
    assert "newpay" in registry.names()
    assert registry.available()["newpay"].credentials[0].name == "token"
    wanted = config({"token": "x"})
    assert registry.create("newpay", wanted) == ("made", wanted)


def test_a_folder_without_adapter_is_no_psp(elsewhere: Path) -> None:
    new_folder(elsewhere, "helpers", None)
    assert "helpers" not in registry.names()


@pytest.mark.parametrize(
    ("folder", "adapter", "told"),
    [
        ("halfpay", 'NAME = "halfpay"', "CAPABILITIES, CREDENTIALS, create"),
        ("wrongpay", NEW_ADAPTER.format(name="other"), "NAME must be the folder's"),
    ],
)
def test_an_incomplete_adapter_is_refused(
    elsewhere: Path, folder: str, adapter: str, told: str
) -> None:
    new_folder(elsewhere, folder, adapter)
    with pytest.raises(ConfigurationError) as caught:
        registry.create(folder, config({}))
    assert told in caught.value.hint


def test_an_unknown_psp_is_told_with_those_that_are_known() -> None:
    with pytest.raises(ConfigurationError, match="no PSP called 'paypal'") as caught:
        registry.create("paypal", config({}))
    assert caught.value.hint == "Known are braintree, square, stripe."


@pytest.mark.parametrize(
    ("name", "lacking"),
    [(name, lacking) for name, values in COMPLETE.items() for lacking in values],
)
def test_a_missing_credential_is_named(name: str, lacking: str) -> None:
    given = {key: value for key, value in COMPLETE[name].items() if key != lacking}
    with pytest.raises(ConfigurationError, match=f"lacks {lacking}") as caught:
        registry.create(name, config(given))
    assert caught.value.hint.startswith(f"{lacking}: ")


@pytest.mark.parametrize("name", COMPLETE)
def test_a_misspelt_credential_is_named_and_never_shown(name: str) -> None:
    with pytest.raises(ConfigurationError, match="does not know secret_kye") as caught:
        registry.create(name, config(COMPLETE[name] | {"secret_kye": "hush-hush"}))
    assert "hush" not in caught.value.message + caught.value.hint


@pytest.mark.parametrize("name", ["braintree", "square"])
def test_an_unknown_environment_is_refused(name: str) -> None:
    wanted = PspConfig(COMPLETE[name] | {"environment": "staging"}, None, 1.0, 1)
    with pytest.raises(ConfigurationError, match="environment"):
        registry.create(name, wanted)
