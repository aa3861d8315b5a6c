"""Reads all settings, from the environment over a TOML file over defaults, and checks them."""

import difflib
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, cast

from clearhouse.kernel.errors import ConfigurationError
from clearhouse.psp import rail_registry, registry
from clearhouse.psp.contract import PspConfig
from clearhouse.psp.rails import RailConfig
from clearhouse.settings.model import (
    ApiSettings,
    BreakerSettings,
    DatabaseSettings,
    DisputeSettings,
    EncryptionSettings,
    ExecutorSettings,
    FeeSettings,
    LogSettings,
    PageSettings,
    PayoutSettings,
    ReconciliationSettings,
    RefundSettings,
    RetrySettings,
    SandboxSettings,
    Settings,
    WalletSettings,
    WebhookSettings,
    WorkSettings,
)
from clearhouse.settings.setting import Setting
from clearhouse.settings.table import PSP_PARTS, SETTINGS

COMMAND_LINE: Final = "command line"
"""The source of what was given as an option."""
CONFIG_VARIABLE: Final = "CLEARHOUSE_CONFIG"
_OTHER_VARIABLES: Final = {CONFIG_VARIABLE, "CLEARHOUSE_DEBUG", "CLEARHOUSE_LIFELINE"}
_PREFIX: Final = "CLEARHOUSE_"


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings and where each came from.

    ``raw`` and ``sources`` are by setting name; ``ignored`` are variables that look like ours
    and are not (an orchestrator may set such), each with the name that was perhaps meant.
    """

    settings: Settings
    raw: Mapping[str, object] = field(repr=False)
    sources: Mapping[str, str]
    ignored: Mapping[str, str | None]


def load(
    environment: Mapping[str, str],
    *,
    file: Path | None = None,
    beneath: Path | None = None,
    overrides: Mapping[str, str] | None = None,
) -> Loaded:
    """Read and check everything; ``overrides`` are command line options by setting name.

    The file is ``file``, else that of CLEARHOUSE_CONFIG, else none; ``beneath`` is another one
    that all else goes over. An empty variable counts as unset. Raises ConfigurationError that
    tells every fault at once.
    """
    reader = _Reader()
    chosen = file or (Path(path) if (path := environment.get(CONFIG_VARIABLE)) else None)
    for path in (beneath, chosen):
        if path is not None:
            reader.take_file(path)
    reader.take_environment(environment)
    for name, text in (overrides or {}).items():
        reader.put(name, text, COMMAND_LINE)
    settings = reader.settings()
    if reader.faults:
        raise ConfigurationError(
            f"{len(reader.faults)} settings are wrong."
            if len(reader.faults) > 1
            else "A setting is wrong.",
            hint="\n".join(reader.faults),
        )
    assert settings is not None
    return Loaded(settings, reader.raw, reader.sources, reader.ignored)


def secrets_of(loaded: Loaded) -> frozenset[str]:
    """Every secret value in use, to be kept out of whatever is printed or logged."""
    secret = {setting.name for setting in SETTINGS if setting.secret}
    values = {str(value) for name, value in loaded.raw.items() if name in secret}
    for config in loaded.settings.psps.values():
        values |= set(config.credentials.values())
    for rail, config in loaded.settings.rails.items():
        hidden = (one.name for one in rail_registry.factory(rail).settings if one.secret)
        values |= {config.values.get(name, "") for name in hidden}
    return frozenset(value for value in values if value)


class _Reader:
    def __init__(self) -> None:
        self.raw: dict[str, object] = {}
        self.sources: dict[str, str] = {}
        self.faults: list[str] = []
        self.ignored: dict[str, str | None] = {}
        self._known = {setting.name: setting for setting in SETTINGS}
        self._psps = registry.names()
        self._rails = rail_registry.names()

    def put(self, name: str, value: object, source: str) -> None:
        self.raw[name] = value
        self.sources[name] = source

    def take_file(self, path: Path) -> None:
        try:
            tree = tomllib.loads(path.expanduser().read_text(encoding="utf-8"))
        except OSError as error:
            self.faults.append(f"{path} cannot be read: {error.strerror}.")
            return
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            self.faults.append(f"{path} is not TOML: {error}.")
            return
        for name, value in self._leaves(tree, ""):
            if name in self._known or self._is_declared(name):
                self.put(name, value, str(path))
            else:
                near = difflib.get_close_matches(name, self._known, 1)
                meant = f" Did you mean {near[0]}?" if near else ""
                self.faults.append(f"{path}: there is no setting {name}.{meant}")

    def take_environment(self, environment: Mapping[str, str]) -> None:
        by_variable = {setting.variable: setting.name for setting in SETTINGS}
        for variable, text in environment.items():
            if not variable.startswith(_PREFIX) or not text.strip():
                continue
            name = by_variable.get(variable) or self._declared_name(variable)
            if name is not None:
                self.put(name, text, variable)
            elif variable not in _OTHER_VARIABLES:
                near = difflib.get_close_matches(variable, by_variable, 1)
                self.ignored[variable] = near[0] if near else None

    def settings(self) -> Settings | None:
        value = {name: self._value(setting) for name, setting in self._known.items()}
        psps = self._configs(value)
        rails = self._rail_configs(value, psps)
        if not self.faults and value["executor.lease_seconds"] <= max(
            (config.timeout_seconds for config in psps.values()), default=0
        ):
            self.faults.append(
                "executor.lease_seconds must be longer than every enabled PSP's timeout_seconds."
            )
        return None if self.faults else _assemble(value, psps, rails)

    def _value(self, setting: Setting) -> Any:
        raw = self.raw.get(setting.name, setting.default)
        self.sources.setdefault(setting.name, "default")
        if raw is None:
            return None
        try:
            return setting.kind.read(raw)
        except ValueError as error:
            shown = "" if setting.secret else f", not {str(raw)[:60]!r}"
            where = self.sources[setting.name]
            label = where if where == setting.variable else f"{setting.name} ({where})"
            self.faults.append(f"{label} must be {error}{shown}.")
            return None

    def _configs(self, value: Mapping[str, Any]) -> dict[str, PspConfig]:
        credentials: dict[str, dict[str, str]] = {psp: {} for psp in self._psps}
        for name, raw in self.raw.items():
            if self._is_credential(name):
                _, psp, credential = name.split(".", 2)
                credentials[psp][credential] = str(raw)
        wanted = value["psp.enabled"]
        if wanted is None:
            wanted = [p for p in self._psps if credentials[p] or value[f"psp.{p}.base_url"]]
        return {
            psp: PspConfig(
                credentials=credentials[psp],
                base_url=value[f"psp.{psp}.base_url"],
                timeout_seconds=value[f"psp.{psp}.timeout_seconds"] or 0,
                concurrency=value[f"psp.{psp}.concurrency"],
            )
            for psp in wanted
        }

    def _rail_configs(
        self, value: Mapping[str, Any], psps: Mapping[str, PspConfig]
    ) -> dict[str, RailConfig]:
        given: dict[str, dict[str, str]] = {rail: {} for rail in self._rails}
        for name, raw in self.raw.items():
            if self._is_rail_setting(name):
                _, rail, setting = name.split(".", 2)
                given[rail][setting] = str(raw)
        wanted = value["rails.enabled"]
        if wanted is None:
            wanted = [rail for rail in self._rails if given[rail] or rail in psps]
        return {rail: RailConfig(given[rail], psps.get(rail)) for rail in wanted}

    def _leaves(self, tree: Mapping[str, object], prefix: str) -> Iterator[tuple[str, object]]:
        for key, value in tree.items():
            name = f"{prefix}{key}"
            if isinstance(value, dict) and name not in self._known:
                yield from self._leaves(cast("dict[str, object]", value), f"{name}.")
            else:
                yield name, value

    def _is_credential(self, name: str) -> bool:
        parts = name.split(".")
        if len(parts) != 3 or parts[0] != "psp" or parts[1] not in self._psps:
            return False
        return parts[2] not in {part[0] for part in PSP_PARTS}

    def _is_rail_setting(self, name: str) -> bool:
        parts = name.split(".")
        return len(parts) == 3 and parts[0] == "rails" and parts[1] in self._rails

    def _is_declared(self, name: str) -> bool:
        """Whether an adapter or a rail may know it; which of them it does, is seen when made."""
        return self._is_credential(name) or self._is_rail_setting(name)

    def _declared_name(self, variable: str) -> str | None:
        for place, owners in (("psp", self._psps), ("rails", self._rails)):
            for owner in owners:
                start = f"{_PREFIX}{place}_{owner}_".upper()
                if variable.startswith(start):
                    return f"{place}.{owner}.{variable.removeprefix(start).lower()}"
        return None


def _assemble(
    value: Mapping[str, Any], psps: Mapping[str, PspConfig], rails: Mapping[str, RailConfig]
) -> Settings:
    return Settings(
        data_directory=value["data_directory"],
        database=DatabaseSettings(value["database.url"], value["database.pool_size"]),
        api=ApiSettings(
            host=value["api.host"],
            port=value["api.port"],
            public_url=value["api.public_url"] or f"http://{value['api.host']}:{value['api.port']}",
            max_body_bytes=value["api.max_body_bytes"],
            key_pepper=value["api.key_pepper"],
            idempotency_lifetime=timedelta(hours=value["api.idempotency_lifetime_hours"]),
        ),
        encryption=EncryptionSettings(value["encryption.keys"]),
        pages=PageSettings(
            timedelta(minutes=value["pages.lifetime_minutes"]), value["pages.drop_in_script"]
        ),
        psps=psps,
        rails=rails,
        executor=ExecutorSettings(**_part("executor", ExecutorSettings, value)),
        retry=RetrySettings(**_part("retry", RetrySettings, value)),
        limits={
            name.removeprefix("limit.").removesuffix("_hours"): timedelta(hours=hours)
            for name, hours in value.items()
            if name.startswith("limit.")
        },
        breaker=BreakerSettings(**_part("breaker", BreakerSettings, value)),
        routing=value["routing"] or (),
        work=WorkSettings(value["work.metrics_host"], value["work.metrics_port"]),
        fee=FeeSettings(value["fee.basis_points"], value["fee.fixed"]),
        payouts=PayoutSettings(**_part("payouts", PayoutSettings, value)),
        refund=RefundSettings(value["refund.fee_policy"]),
        dispute=DisputeSettings(value["dispute.borne_by"], value["dispute.holds"]),
        reconciliation=_reconciliation(value),
        wallets=WalletSettings(
            matures=value["wallets.matures"],
            delay=timedelta(hours=value["wallets.delay_hours"]),
            reserve_basis_points=value["wallets.reserve_basis_points"],
            reserve_days=value["wallets.reserve_days"],
            keep=value["wallets.keep"] or {},
            write_off_limit=value["wallets.write_off_limit"],
        ),
        webhooks=_webhooks(value),
        sandbox=SandboxSettings(
            host=value["sandbox.host"],
            port=value["sandbox.port"],
            seed=value["sandbox.seed"],
            bank_folder=value["sandbox.bank_folder"]
            or value["data_directory"] / "sandbox" / "bank",
            latency_median_ms=value["sandbox.latency_median_ms"],
            latency_p99_ms=value["sandbox.latency_p99_ms"],
        ),
        log=LogSettings(value["log.level"], value["log.format"]),
    )


def _part(table: str, kind: type[Any], value: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a table whose settings are called as the fields of its type."""
    return {field.name: value[f"{table}.{field.name}"] for field in fields(kind)}


def _reconciliation(value: Mapping[str, Any]) -> ReconciliationSettings:
    return ReconciliationSettings(
        vault=value["reconciliation.vault"] or value["data_directory"] / "settlement-files",
        drop_folder=value["reconciliation.drop_folder"]
        or value["data_directory"] / "settlement-drop",
        upload_megabytes=value["reconciliation.upload_megabytes"],
        statement_columns=value["reconciliation.statement_columns"],
        nightly_hour=value["reconciliation.nightly_hour"],
        alert_basis_points=value["reconciliation.alert_basis_points"],
        alert_days=value["reconciliation.alert_days"],
        decision_limit=value["reconciliation.decision_limit"],
        patience_days=value["reconciliation.patience_days"],
        fees=value["reconciliation.fees"] or {},
    )


def _webhooks(value: Mapping[str, Any]) -> WebhookSettings:
    return WebhookSettings(
        private_destinations=value["webhooks.private_destinations"] == "yes",
        timeout_seconds=value["webhooks.timeout_seconds"],
        concurrency=value["webhooks.concurrency"],
        endpoint_concurrency=value["webhooks.endpoint_concurrency"],
        retention=timedelta(days=value["webhooks.retention_days"]),
    )
