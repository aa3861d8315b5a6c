"""The options that nearly every command takes, and the settings they lead to."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

from cyclopts import Parameter

from clearhouse.settings import Loaded, load

GROUP_FILE: Final = "development.toml"
"""What a running development group tells the commands beside it: where its PSPs are."""


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class Common:
    """Where settings and data are."""

    config: Annotated[Path | None, Parameter(help="A TOML file with settings.")] = None
    data: Annotated[
        Path | None, Parameter(help="The directory that holds the data of an embedded PostgreSQL.")
    ] = None

    def load(self, overrides: Mapping[str, str | None] | None = None) -> Loaded:
        """All settings; ``overrides`` (None: not given) go over environment and file.

        Raises ConfigurationError with all faults.
        """
        given = {name: value for name, value in (overrides or {}).items() if value is not None}
        if self.data is not None:
            given["data_directory"] = str(self.data)
        loaded = load(os.environ, file=self.config, overrides=given)
        settings = loaded.settings
        group = settings.data_directory / GROUP_FILE
        if settings.database.url is None and not settings.psps and group.exists():
            return load(os.environ, file=self.config, beneath=group, overrides=given)
        return loaded


NO_OPTIONS = Common()
