"""``clearhouse config``: every setting, its value, where it came from and what it means."""

from typing import Annotated, Any

from cyclopts import Parameter
from rich.table import Table
from rich.text import Text

from clearhouse.cli.console import err, out, print_data
from clearhouse.cli.options import NO_OPTIONS, Common
from clearhouse.settings import SETTINGS, Loaded, Setting
from clearhouse.settings.table import credential_settings, rail_settings

_MASK = "********"


def config(
    *,
    common: Common = NO_OPTIONS,
    json: Annotated[bool, Parameter(help="One JSON object, for scripts.")] = False,
) -> None:
    """Show every setting, its value, its source and its meaning.

    Secrets are masked. A setting comes from the command line, else from its environment
    variable, else from the TOML file, else it has its default.

    **Examples**

    ```shell
    clearhouse config
    CLEARHOUSE_API_PORT=9000 clearhouse config --config clearhouse.toml
    ```
    """
    loaded = common.load()
    settings = [
        *SETTINGS,
        *(each for psp in loaded.settings.psps for each in credential_settings(psp)),
        *(each for rail in loaded.settings.rails for each in rail_settings(rail)),
    ]
    if json:
        rows = {s.name: _row(s, loaded) for s in settings}
        print_data(rows)
        return
    if out.is_terminal:
        out.print(_table(settings, loaded))
    else:
        for setting in settings:
            row = _row(setting, loaded)
            out.print(f"{setting.variable}={row['value'] or ''}", markup=False, soft_wrap=True)
            out.print(f"    {row['source']}; {setting.meaning}", markup=False, soft_wrap=True)
    for variable, meant in loaded.ignored.items():
        hint = f" Did you mean {meant}?" if meant else ""
        err.print(f"[warn]Note:[/warn] there is no setting {variable}; it is ignored.{hint}")


def _row(setting: Setting, loaded: Loaded) -> dict[str, Any]:
    raw = loaded.raw.get(setting.name, setting.default)
    shown = None if raw is None else str(raw)
    return {
        "variable": setting.variable,
        "value": _MASK if setting.secret and shown else shown,
        "source": "unset" if raw is None else loaded.sources.get(setting.name, "default"),
        "default": setting.default,
        "kind": setting.kind.name,
        "secret": setting.secret,
        "meaning": setting.meaning,
    }


def _table(settings: list[Setting], loaded: Loaded) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="quiet")
    table.add_column("setting", no_wrap=True)
    table.add_column("value", overflow="fold", max_width=28)
    table.add_column("meaning", style="quiet", ratio=1)
    room = ""
    for setting in settings:
        if (here := setting.name.rpartition(".")[0]) != room:
            table.add_row()
            room = here
        row = _row(setting, loaded)
        value = Text(row["value"] or "unset", style="" if row["value"] else "quiet")
        if row["source"] not in {"default", "unset"}:
            value.stylize("good")
            value.append(f"\nfrom {row['source']}", style="quiet")
        table.add_row(Text(setting.name, style="name"), value, setting.meaning)
    return table
