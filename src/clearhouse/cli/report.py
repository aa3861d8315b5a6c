"""``clearhouse report``: what agreed, what does not, and where the money is."""

import calendar
import datetime as dt
import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

from cyclopts import Parameter

from clearhouse.cli.console import err, out
from clearhouse.cli.database import with_runtime
from clearhouse.cli.options import NO_OPTIONS, Common
from clearhouse.cli.report_forms import as_csv, as_json, show
from clearhouse.cli.report_page import as_page
from clearhouse.kernel.clock import SystemClock
from clearhouse.kernel.errors import ConfigurationError
from clearhouse.reconciliation.report import Reports

_MONTH: Final = re.compile(r"([0-9]{4})-([0-9]{2})", re.ASCII)


class Form(StrEnum):
    """How a report is written."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    PAGE = "page"


def report(
    *,
    date: Annotated[dt.datetime | None, Parameter(help="A UTC day; unset: yesterday.")] = None,
    month: Annotated[str | None, Parameter(help="A whole month, such as 2026-11.")] = None,
    form: Annotated[Form, Parameter(help="How it is written.")] = Form.TABLE,
    to: Annotated[Path | None, Parameter(help="A file to write it to.")] = None,
    common: Common = NO_OPTIONS,
) -> None:
    """Report what reconciliation found of a day or a month, for finance.

    What agreed with the PSPs and what does not, in money and by cause and age; fees and payouts;
    and where the money is, by our books beside the PSPs' and the bank's. A page can be printed.

    **Examples**

    ```shell
    clearhouse report
    clearhouse report --date 2026-11-21 --form json
    clearhouse report --month 2026-11 --form page --to november.html
    ```
    """
    if date is not None and month is not None:
        raise ConfigurationError("Give --date or --month, but not both.")
    if form is Form.TABLE and to is not None:
        raise ConfigurationError("A table is for the screen.", hint="Choose another --form.")
    first, last = _days(date, month)
    settings = common.load().settings
    made = with_runtime(
        settings, "report", lambda it: Reports(it.pool, it.clock).report(first, last)
    )
    if form is Form.TABLE:
        show(made)
        return
    text = {Form.JSON: as_json, Form.CSV: as_csv, Form.PAGE: as_page}[form](made)
    if to is None:
        out.file.write(text)
        return
    try:
        to.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{to} cannot be written: {error.strerror}.") from None
    err.print(f"[good]Written[/good] to {to}.")


def _days(date: dt.datetime | None, month: str | None) -> tuple[dt.date, dt.date]:
    if month is not None:
        match = _MONTH.fullmatch(month)
        if match is None or not 1 <= int(match[2]) <= 12:
            raise ConfigurationError(f"{month!r} is no month.", hint="Write it as 2026-11.")
        year, number = int(match[1]), int(match[2])
        return dt.date(year, number, 1), dt.date(year, number, calendar.monthrange(year, number)[1])
    day = date.date() if date else SystemClock().now().date() - dt.timedelta(days=1)
    return day, day
