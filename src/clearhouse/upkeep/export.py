"""Archived tables as files: written, read back, and only then let go.

One folder for each range of time, with a compressed ``COPY`` text file for each table, a list
that ``sha256sum -c`` reads, and a manifest that is written last: a folder with one is whole.
"""

import gzip
import json
import os
from collections.abc import Sequence
from hashlib import file_digest
from pathlib import Path
from typing import Final

from clearhouse.kernel.errors import ConfigurationError
from clearhouse.postgres.archive import Exported, Partition, Range
from clearhouse.postgres.connection import Connection
from clearhouse.postgres.queries import load_queries

MANIFEST: Final = "manifest.json"
SUMS: Final = "SHA256SUMS"
_SQL: Final = load_queries("clearhouse.upkeep", "archive.sql")
_CHUNK: Final = 1 << 20


async def export_range(connection: Connection, one: Range, directory: Path) -> list[Exported]:
    """Write the partitions of a sealed range into ``directory/<label>``, and read them back.

    What an interrupted run left there is written anew. Raises ConfigurationError when the
    directory cannot be written, or when what was read back is not what the table holds.
    """
    folder = directory / one.label
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / MANIFEST).unlink(missing_ok=True)
        exported = [await _write(connection, partition, folder) for partition in one.partitions]
        columns = [
            [dict(row.items()) for row in await connection.fetch(_SQL["columns"], partition.sql)]
            for partition in one.partitions
        ]
        sums = "".join(f"{file.sha256}  {Path(file.file).name}\n" for file in exported)
        _settle(folder / SUMS, sums)
        _settle(folder / MANIFEST, json.dumps(_manifest(one, exported, columns), indent=2) + "\n")
    except OSError as error:
        raise ConfigurationError(
            f"The archive cannot be written to {folder}: {error.strerror}.",
            hint="Name a directory that can be written, with --to. No table was touched.",
        ) from error
    return exported


def hash_of(path: Path) -> str:
    """The SHA-256 of a file as it lies there, in hexadecimal. Raises OSError."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def rows_in(path: Path) -> int:
    """How many rows an exported file holds.

    In COPY's text format every row is one line, since line ends in values are escaped.
    """
    lines = 0
    with gzip.open(path, "rb") as text:
        while chunk := text.read(_CHUNK):
            lines += chunk.count(b"\n")
    return lines - 1  # the first line names the columns


async def _write(connection: Connection, partition: Partition, folder: Path) -> Exported:
    path = folder / f"{partition.table.schema}.{partition.name}.copy.gz"
    part = path.with_suffix(".part")
    # No time and no name inside: the same rows give the same file.
    with part.open("wb") as raw, gzip.GzipFile("", "wb", 6, raw, mtime=0) as packed:

        async def write(data: bytes) -> None:
            packed.write(data)

        await connection.copy_from_query(
            f"select * from {partition.sql}",  # noqa: S608 - a name from the catalogue
            output=write,
            format="text",
            header=True,
        )
    _rename(part, path)
    rows = rows_in(path)
    held = int(await connection.fetchval(f"select count(*) from {partition.sql}"))  # noqa: S608 - the same
    if rows != held:
        raise ConfigurationError(
            f"{path} holds {rows:,} rows, but {partition.sql} has {held:,}.",
            hint="No table was touched; check the disk and archive again.",
        )
    return Exported(partition, f"{folder.name}/{path.name}", rows, hash_of(path))


def _manifest(
    one: Range, exported: Sequence[Exported], columns: Sequence[list[dict[str, str]]]
) -> dict[str, object]:
    return {
        "format": "PostgreSQL COPY text with a header line, gzip",
        "starts_at": one.starts_at.isoformat(),
        "ends_at": one.ends_at.isoformat(),
        "range_from": str(one.lower),
        "range_to": str(one.upper),
        "tables": [
            {
                "table": file.partition.table.label,
                "partition": file.partition.name,
                "file": Path(file.file).name,
                "rows": file.rows,
                "sha256": file.sha256,
                "columns": its_columns,
            }
            for file, its_columns in zip(exported, columns, strict=True)
        ],
    }


def _settle(path: Path, text: str) -> None:
    part = path.with_suffix(".part")
    part.write_text(text, encoding="utf-8")
    _rename(part, path)


def _rename(part: Path, path: Path) -> None:
    """Give a whole file its name, once it is on the disk."""
    with part.open("rb") as file:
        os.fsync(file.fileno())
    part.replace(path)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
