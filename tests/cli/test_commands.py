"""The short commands as users run them: what they print, and how they end."""

import json
import socket
from pathlib import Path

import pytest
from tests.cli.command import run, run_from_scratch

from clearhouse.postgres.embedded import EmbeddedPostgres

PEPPER = "0123456789abcdef0123456789abcdef"


def complaint(stderr: str) -> str:
    """The first line on stderr; there must be no traceback in what follows."""
    assert "Traceback" not in stderr
    return stderr.splitlines()[0]


def test_help_lists_every_command_with_what_it_does() -> None:
    told = run_from_scratch("--help")
    assert told.returncode == 0
    for name in ("demo", "up", "serve", "work", "sandbox", "verify", "prove", "migrate", "keys"):
        assert f" {name} " in told.stdout
    assert told.stderr == ""


@pytest.mark.parametrize("command", ["demo", "up", "serve", "work", "sandbox", "config"])
def test_each_command_explains_itself_with_an_example(command: str) -> None:
    told = run(command, "--help")
    assert told.returncode == 0
    assert f"clearhouse {command}" in told.stdout
    assert "Examples" in told.stdout


def test_config_prints_every_setting_with_its_source_and_no_secret(tmp_path: Path) -> None:
    file = tmp_path / "clearhouse.toml"
    file.write_text('[psp.stripe]\nsecret_key = "sk_test_hidden"\n')
    settings = {
        "CLEARHOUSE_API_KEY_PEPPER": PEPPER,
        "CLEARHOUSE_DATABASE_URL": "postgresql://me:hunter2@db/books",
        "CLEARHOUSE_API_PORT": "9000",
    }
    told = run("config", "--json", "--config", str(file), settings=settings)
    assert told.returncode == 0
    rows = json.loads(told.stdout)
    assert rows["api.port"]["value"] == "9000"
    assert rows["api.port"]["source"] == "CLEARHOUSE_API_PORT"
    assert rows["api.host"]["source"] == "default"
    assert rows["psp.stripe.secret_key"]["source"] == str(file)
    assert rows["database.url"]["secret"] is True
    plain = run("config", "--config", str(file), settings=settings)
    assert "CLEARHOUSE_API_PORT=9000" in plain.stdout
    for secret in (PEPPER, "hunter2", "sk_test_hidden"):
        assert secret not in told.stdout + plain.stdout + told.stderr + plain.stderr


def test_wrong_settings_are_told_all_at_once_and_end_with_2() -> None:
    told = run("config", settings={"CLEARHOUSE_API_PORT": "x", "CLEARHOUSE_LOG_LEVEL": "loud"})
    assert told.returncode == 2
    assert told.stdout == ""
    assert complaint(told.stderr) == "Error: 2 settings are wrong."
    assert len(told.stderr.splitlines()) == 3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("frobnicate",), "frobnicate"),
        (("config", "--bogus"), "Unknown option"),
        (("work", "--only", "executor,cashier"), "There is no role cashier."),
        (("sandbox", "--fault", "typhoon=0.5"), "--fault typhoon=0.5 is not understood."),
        (("sandbox", "--fault", "paypal:reset=0.5"), "--fault paypal:reset=0.5 is not understood."),
        (("sandbox", "--mischief", "drop=2"), "--mischief drop=2 is not understood."),
        (("sandbox", "--webhook-url", "localhost"), "--webhook-url localhost is no address."),
        (("sandbox", "--fault", "reset=0.7", "--fault", "conflict=0.7"), "at most 1"),
        (("serve", "--port", "http"), "port"),
        (("keys", "create", "shop", "--scope", "everything"), "There is no scope everything."),
    ],
)
def test_a_wrong_command_line_ends_with_2_and_one_clear_line(
    arguments: tuple[str, ...], said: str
) -> None:
    told = run(*arguments)
    assert told.returncode == 2
    assert said in complaint(told.stderr)
    assert told.stdout == ""


def test_a_database_that_is_not_there_ends_with_3(tmp_path: Path) -> None:
    told = run("keys", "list", "--data", str(tmp_path / "empty"))
    assert told.returncode == 3
    assert "There is no database" in complaint(told.stderr)
    assert "clearhouse up" in told.stderr
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"postgresql://me@127.0.0.1:{nobody.getsockname()[1]}/books"
        away = run("verify", settings={"CLEARHOUSE_DATABASE_URL": url})
    assert away.returncode == 3
    assert complaint(away.stderr).startswith("Error: PostgreSQL")


def test_a_port_in_use_ends_with_3(database: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        settings = {"CLEARHOUSE_DATABASE_URL": database, "CLEARHOUSE_API_KEY_PEPPER": PEPPER}
        api = run("serve", "--port", port, settings=settings)
        up = run("up", "--port", port)
    assert (api.returncode, up.returncode) == (3, 3)
    for told in (api, up):
        assert f"cannot listen on 127.0.0.1:{port}" in complaint(told.stderr)


def test_work_without_any_psp_says_so_before_it_starts(database: str) -> None:
    told = run("work", settings={"CLEARHOUSE_DATABASE_URL": database})
    assert told.returncode == 2
    assert "No PSP is configured" in complaint(told.stderr)


def test_the_metrics_port_of_a_working_process_can_be_taken(database: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = {
            "CLEARHOUSE_DATABASE_URL": database,
            "CLEARHOUSE_WORK_METRICS_PORT": str(taken.getsockname()[1]),
        }
        told = run("work", "--only", "ledger", settings=settings)
    assert told.returncode == 3
    assert "Metrics cannot be served" in complaint(told.stderr)


def test_a_key_is_made_shown_once_listed_and_revoked(database: str) -> None:
    settings = {"CLEARHOUSE_DATABASE_URL": database, "CLEARHOUSE_API_KEY_PEPPER": PEPPER}
    made = run("keys", "create", "shop", "--scope", "payments:read", settings=settings)
    assert made.returncode == 0
    token = made.stdout.strip()
    assert made.stdout == f"{token}\n"
    assert token.startswith("ch_key_")
    assert token not in made.stderr

    listed = run("keys", "list", "--json", settings=settings)
    (row,) = json.loads(listed.stdout)
    assert (row["name"], row["scopes"], row["revoked_at"]) == ("shop", ["payments:read"], None)
    assert token not in listed.stdout

    revoked = run("keys", "revoke", row["id"], settings=settings)
    assert revoked.returncode == 0
    (row,) = json.loads(run("keys", "list", "--json", settings=settings).stdout)
    assert row["revoked_at"] is not None

    nobody = "01890000-0000-7000-8000-000000000000"
    unknown = run("keys", "revoke", nobody, settings=settings)
    assert unknown.returncode == 4
    assert nobody in complaint(unknown.stderr)


def test_a_database_of_ones_own_needs_a_pepper_of_ones_own(database: str) -> None:
    told = run("keys", "create", "shop", settings={"CLEARHOUSE_DATABASE_URL": database})
    assert told.returncode == 2
    assert complaint(told.stderr) == "Error: CLEARHOUSE_API_KEY_PEPPER is not set."


def test_migrate_can_be_repeated(database: str) -> None:
    told = run("migrate", settings={"CLEARHOUSE_DATABASE_URL": database})
    assert told.returncode == 0
    assert told.stdout == "0 applied; the database is up to date.\n"


def test_a_database_that_was_never_migrated_says_what_to_do(
    postgres_server: EmbeddedPostgres,
) -> None:
    settings = {
        "CLEARHOUSE_DATABASE_URL": postgres_server.dsn(),
        "CLEARHOUSE_API_KEY_PEPPER": PEPPER,
    }
    told = run("keys", "list", settings=settings)
    assert told.returncode == 2
    assert "clearhouse migrate" in told.stderr
    assert complaint(told.stderr).startswith("Error: ")
