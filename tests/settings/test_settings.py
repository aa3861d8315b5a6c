"""Settings: where each comes from, what is refused, and that all faults are told at once."""

from datetime import timedelta
from pathlib import Path

import pytest

from clearhouse.kernel.errors import ConfigurationError
from clearhouse.settings import SETTINGS, load, secrets_of
from clearhouse.settings.table import default_data_directory

STRIPE = {"CLEARHOUSE_PSP_STRIPE_SECRET_KEY": "sk_test_value"}


def faults_of(environment: dict[str, str], file: Path | None = None) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        load(environment, file=file)
    return caught.value.hint.splitlines()


def test_every_default_is_valid_and_every_setting_has_a_meaning() -> None:
    loaded = load({})
    assert loaded.settings.api.port == 8080
    assert loaded.settings.database.url is None
    assert loaded.settings.psps == {}
    assert loaded.settings.api.idempotency_lifetime == timedelta(hours=72)
    assert set(loaded.sources.values()) == {"default"}
    for setting in SETTINGS:
        assert setting.meaning.endswith(".")
        assert setting.variable == "CLEARHOUSE_" + setting.name.upper().replace(".", "_")
    assert len({setting.variable for setting in SETTINGS}) == len(SETTINGS)


def test_the_command_line_goes_over_the_environment_over_the_file_over_what_is_beneath(
    tmp_path: Path,
) -> None:
    file, beneath = tmp_path / "own.toml", tmp_path / "group.toml"
    file.write_text('[api]\nhost = "0.0.0.0"\nport = 1\nmax_body_bytes = 2048\n')
    beneath.write_text('[api]\nhost = "::1"\n[database]\npool_size = 7\n')
    loaded = load(
        {"CLEARHOUSE_API_PORT": "2", "CLEARHOUSE_API_MAX_BODY_BYTES": "4096"},
        file=file,
        beneath=beneath,
        overrides={"api.max_body_bytes": "8192"},
    )
    api = loaded.settings.api
    assert (api.host, api.port, api.max_body_bytes) == ("0.0.0.0", 2, 8192)
    assert loaded.settings.database.pool_size == 7
    assert loaded.sources["api.host"] == str(file)
    assert loaded.sources["api.port"] == "CLEARHOUSE_API_PORT"
    assert loaded.sources["api.max_body_bytes"] == "command line"
    assert loaded.sources["database.pool_size"] == str(beneath)


def test_the_file_may_be_named_by_the_environment_and_an_empty_variable_is_unset(
    tmp_path: Path,
) -> None:
    file = tmp_path / "named.toml"
    file.write_text('[fee]\nbasis_points = 100\n[fee.fixed]\nUSD = "0.10"\nJPY = "5"\n')
    loaded = load({"CLEARHOUSE_CONFIG": str(file), "CLEARHOUSE_FEE_BASIS_POINTS": " "})
    assert loaded.settings.fee.basis_points == 100
    assert loaded.settings.fee.fixed_minor == {"USD": 10, "JPY": 5}


def test_all_faults_are_told_at_once_each_with_the_name_the_user_wrote(tmp_path: Path) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text('[api]\nprot = 1\nmax_body_bytes = true\n[psp.paypal]\nkey = "x"\n')
    told = faults_of(
        {
            "CLEARHOUSE_API_PORT": "tcp://10.0.0.1:80",
            "CLEARHOUSE_DATABASE_URL": "mysql://elsewhere",
            "CLEARHOUSE_LOG_LEVEL": "loud",
        },
        file,
    )
    assert told == [
        f"{file}: there is no setting api.prot. Did you mean api.port?",
        f"{file}: there is no setting psp.paypal.key.",
        "CLEARHOUSE_DATABASE_URL must be a URL such as postgresql://user@host/database.",
        "CLEARHOUSE_API_PORT must be a whole number, not 'tcp://10.0.0.1:80'.",
        f"api.max_body_bytes ({file}) must be a whole number, not 'True'.",
        "CLEARHOUSE_LOG_LEVEL must be one of debug, info, warning, error, not 'loud'.",
    ]


@pytest.mark.parametrize(
    ("variable", "value", "complaint"),
    [
        ("CLEARHOUSE_API_PORT", "70000", "between 0 and 65,535"),
        ("CLEARHOUSE_DATABASE_POOL_SIZE", "1", "between 2 and 500"),
        ("CLEARHOUSE_DATABASE_POOL_SIZE", "1.5", "a whole number"),
        ("CLEARHOUSE_DATABASE_POOL_SIZE", "١٠", "a whole number"),
        ("CLEARHOUSE_EXECUTOR_LEASE_SECONDS", "nan", "a number between 1 and 3600"),
        ("CLEARHOUSE_EXECUTOR_LEASE_SECONDS", "soon", "a number"),
        ("CLEARHOUSE_FEE_FIXED", "USD=0.305", "USD has 2 decimals, not 3"),
        ("CLEARHOUSE_FEE_FIXED", "XYZ=1", "not an ISO 4217 currency"),
        ("CLEARHOUSE_FEE_FIXED", "USD=-0.30", "amounts that are not negative"),
        ("CLEARHOUSE_PSP_ENABLED", "stripe,adyen", "'adyen' is none of them"),
        ("CLEARHOUSE_RETRY_FAILOVER_DECLINES", "lost_or_stolen", "none of them"),
        ("CLEARHOUSE_PSP_STRIPE_BASE_URL", "sandbox:8090", "a URL such as"),
        ("CLEARHOUSE_LOG_FORMAT", "xml", "one of json, console"),
    ],
)
def test_a_wrong_value_is_refused_with_what_it_must_be(
    variable: str, value: str, complaint: str
) -> None:
    (told,) = faults_of({variable: value})
    assert told.startswith(f"{variable} must be ")
    assert complaint in told


def test_a_secret_is_never_told_neither_in_a_fault_nor_by_printing_the_settings() -> None:
    (told,) = faults_of({"CLEARHOUSE_API_KEY_PEPPER": "too-short-a-secret"})
    assert "too-short" not in told
    loaded = load(
        {
            "CLEARHOUSE_API_KEY_PEPPER": "p" * 40,
            "CLEARHOUSE_DATABASE_URL": "postgresql://me:hunter2@db/books",
            **STRIPE,
        }
    )
    printed = repr(loaded) + str(loaded.settings)
    assert "hunter2" not in printed
    assert "pppp" not in printed
    assert "sk_test_value" not in printed
    assert secrets_of(loaded) >= {"p" * 40, "postgresql://me:hunter2@db/books", "sk_test_value"}


def test_a_psp_is_offered_when_it_has_credentials_or_a_base_url_or_is_named() -> None:
    assert set(load(STRIPE).settings.psps) == {"stripe"}
    url = {"CLEARHOUSE_PSP_SQUARE_BASE_URL": "http://127.0.0.1:8090/"}
    psps = load({**STRIPE, **url}).settings.psps
    assert set(psps) == {"stripe", "square"}
    assert psps["square"].base_url == "http://127.0.0.1:8090"
    assert psps["stripe"].credentials == {"secret_key": "sk_test_value"}
    only = {"CLEARHOUSE_PSP_ENABLED": "square", "CLEARHOUSE_PSP_SQUARE_TIMEOUT_SECONDS": "5"}
    chosen = load({**STRIPE, **url, **only}).settings.psps
    assert set(chosen) == {"square"}
    assert chosen["square"].timeout_seconds == 5


def test_a_lease_must_outlive_every_call_to_a_psp() -> None:
    (told,) = faults_of({**STRIPE, "CLEARHOUSE_EXECUTOR_LEASE_SECONDS": "30"})
    assert "must be longer than every enabled PSP's timeout_seconds" in told


def test_variables_that_only_look_like_ours_are_passed_over_and_named() -> None:
    loaded = load({"CLEARHOUSE_SERVICE_HOST": "10.0.0.1", "CLEARHOUSE_API_PROT": "1"})
    assert loaded.ignored["CLEARHOUSE_API_PROT"] == "CLEARHOUSE_API_PORT"
    assert "CLEARHOUSE_SERVICE_HOST" in loaded.ignored
    assert loaded.settings.api.port == 8080


def test_a_file_that_cannot_be_read_or_is_not_toml_is_a_fault(tmp_path: Path) -> None:
    missing, broken = tmp_path / "missing.toml", tmp_path / "broken.toml"
    broken.write_bytes(b"[api\n\xff")
    assert faults_of({}, missing) == [f"{missing} cannot be read: No such file or directory."]
    assert faults_of({}, broken)[0].startswith(f"{broken} is not TOML: ")


@pytest.mark.parametrize(
    ("root", "data_home", "expected"),
    [
        (True, None, "/var/lib/clearhouse"),
        (True, "/srv/data", "/var/lib/clearhouse"),
        (False, "/srv/data", "/srv/data/clearhouse"),
        (False, None, "/people/ada/.local/share/clearhouse"),
    ],
)
def test_data_goes_where_such_data_goes(root: bool, data_home: str | None, expected: str) -> None:
    found = default_data_directory(root=root, home=Path("/people/ada"), data_home=data_home)
    assert found == Path(expected)
