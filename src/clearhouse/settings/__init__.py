"""Every setting: where it comes from, what it means, and whether all of them make sense.

Read from the environment (``CLEARHOUSE_...``) and from a TOML file, the environment winning.
Everything that is wrong is told at once and before anything is started, since a payment
system that runs on half of its configuration does harm quietly.
"""

from clearhouse.settings.load import COMMAND_LINE, Loaded, load, secrets_of
from clearhouse.settings.model import (
    ApiSettings,
    BreakerSettings,
    DatabaseSettings,
    EncryptionSettings,
    ExecutorSettings,
    FeeSettings,
    LogSettings,
    PageSettings,
    SandboxSettings,
    Settings,
    WebhookSettings,
    WorkSettings,
)
from clearhouse.settings.setting import Setting
from clearhouse.settings.table import SETTINGS

__all__ = [
    "COMMAND_LINE",
    "SETTINGS",
    "ApiSettings",
    "BreakerSettings",
    "DatabaseSettings",
    "EncryptionSettings",
    "ExecutorSettings",
    "FeeSettings",
    "Loaded",
    "LogSettings",
    "PageSettings",
    "SandboxSettings",
    "Setting",
    "Settings",
    "WebhookSettings",
    "WorkSettings",
    "load",
    "secrets_of",
]
