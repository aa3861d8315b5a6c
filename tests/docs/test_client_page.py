"""The Python client's page: its code is the client's, and its table names what is there."""

import ast
import re
from pathlib import Path

import clearhouse.client
from clearhouse.client import AsyncClient, Client, ClientError
from clearhouse.client import errors as all_errors

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "python-client.md").read_text("utf-8")


def calls_of(client: Client | AsyncClient) -> set[str]:
    """Every call of every room of a client."""
    return {
        f"{name}.{call}"
        for name, room in vars(client).items()
        if not name.startswith("_") and type(room).__module__.startswith("clearhouse.client")
        for call in vars(type(room))
        if not call.startswith("_")
    }


def blocks() -> list[str]:
    return re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def test_the_code_is_python_and_imports_what_is_there() -> None:
    for code in blocks():
        tree = ast.parse(code.replace("    return 400", "    pass"), type_comments=False)
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module == "clearhouse.client":
                for alias in node.names:
                    assert alias.name in clearhouse.client.__all__


def test_the_table_names_every_call_and_no_other() -> None:
    told: set[str] = set()
    for row in re.findall(r"^\| (`\w+\.\w+`.*?) \|", PAGE, re.MULTILINE):
        names = re.findall(r"`([\w.]+)`", row)
        room = names[0].split(".")[0]
        told |= {f"{room}.{name.split('.')[-1]}" for name in names}
    with Client("http://127.0.0.1:9", "key") as client:
        assert told == calls_of(client)


def test_both_clients_have_the_same_calls() -> None:
    with Client("http://127.0.0.1:9", "key") as client:
        assert calls_of(client) == calls_of(AsyncClient("http://127.0.0.1:9", "key"))


def test_every_exception_is_on_the_page() -> None:
    kinds = {
        name
        for name, kind in vars(all_errors).items()
        if isinstance(kind, type) and issubclass(kind, ClientError)
    }
    assert {name for name in kinds if f"`{name}`" not in PAGE and name not in PAGE} == set()
