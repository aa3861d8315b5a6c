"""What clearhouse shows to the world, asked of the code itself: one function for each kind.

Modules are imported only when asked for, so that one broken room does not hide the others.
"""

import ast
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, Final

METRIC_CLASSES: Final = {
    "Counter",
    "CounterMetricFamily",
    "Enum",
    "Gauge",
    "GaugeMetricFamily",
    "Histogram",
    "HistogramMetricFamily",
    "Info",
    "Summary",
    "SummaryMetricFamily",
}


def events(root: Path) -> Iterable[str]:
    """The stable type of each event in the catalogue, such as ``payment_order.succeeded``."""
    del root
    catalogue = _module("messaging.events")
    return [catalogue.type_of(event) for event in catalogue.CATALOGUE]


def metrics(root: Path) -> Iterable[str]:
    """The shown name of each Prometheus metric, read from the source.

    Raises ValueError for a metric whose name is not written out where it is made.
    """
    return [
        name
        for path in sorted((root / "src").rglob("*.py"))
        for name in _metrics_in(path, path.relative_to(root))
    ]


def adapters(root: Path) -> Iterable[str]:
    """The name of each PSP adapter that the registry finds."""
    del root
    return list(_module("psp.registry").names())


def rails(root: Path) -> Iterable[str]:
    """The name of each rail that the registry finds."""
    del root
    return list(_module("psp.rail_registry").names())


def settings(root: Path) -> Iterable[str]:
    """The environment variable of each setting, those of PSPs and rails among them."""
    del root
    table = _module("settings.table")
    credentials = [
        setting
        for psp in _module("psp.registry").names()
        for setting in table.credential_settings(psp)
    ]
    of_rails = [
        setting
        for rail in _module("psp.rail_registry").names()
        for setting in table.rail_settings(rail)
    ]
    return [setting.variable for setting in (*table.SETTINGS, *credentials, *of_rails)]


def problem_types(root: Path) -> Iterable[str]:
    """The stable last part of each problem type's address, such as ``card-number-refused``."""
    del root
    return list(_module("api.problem_types").TYPES)


def routes(root: Path) -> Iterable[str]:
    """Each route as method and path, such as ``POST /v1/payments``."""
    del root
    return list(_module("api.app").routes())


def commands(root: Path) -> Iterable[str]:
    """Each command that the help shows, as it is typed, such as ``clearhouse keys create``."""
    del root
    return list(_commands(_module("cli").app, "clearhouse"))


def _module(name: str) -> Any:
    return import_module(f"clearhouse.{name}")


def _commands(app: Any, prefix: str) -> Iterator[str]:
    for name in app:
        if name.startswith("-") or not app[name].show:
            continue
        typed = f"{prefix} {name}"
        inner = list(_commands(app[name], typed))
        yield from inner or [typed]


def _metrics_in(path: Path, shown: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    known = dict(_metric_classes(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in known:
            name = _literal_name(node, shown)
            # The client library shows a counter under this name, whatever it was made with.
            counter = known[ast.unparse(node.func)].startswith("Counter")
            yield f"{name.removesuffix('_total')}_total" if counter else name


def _metric_classes(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """How this file calls each class of metric, and the class's own name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("prometheus_client"):
            for alias in node.names:
                if alias.name in METRIC_CLASSES:
                    yield alias.asname or alias.name, alias.name
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name == "prometheus_client":
                    for name in METRIC_CLASSES:
                        yield f"{alias.asname or alias.name}.{name}", name


def _literal_name(node: ast.Call, path: Path) -> str:
    first = node.args[0] if node.args else None
    named = next((word.value for word in node.keywords if word.arg == "name"), first)
    match named:
        case ast.Constant(value=str(name)):
            return name
        case _:
            message = f"{path}:{node.lineno}: write the metric's name out, so that it can be found"
            raise ValueError(message)
