"""What a setting is: its name, kind, default and meaning."""

from dataclasses import dataclass

from clearhouse.settings.kinds import Kind


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting. ``default`` is text as a person would write it; None means unset."""

    name: str
    """Its place in the TOML file, such as ``api.port``."""
    kind: Kind
    default: str | None
    meaning: str
    secret: bool = False

    @property
    def variable(self) -> str:
        """Its environment variable, such as ``CLEARHOUSE_API_PORT``."""
        return "CLEARHOUSE_" + self.name.replace(".", "_").upper()
