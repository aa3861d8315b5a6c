"""A secret that is kept in a file beside the data, and made where there is none.

Why: a development database needs no set-up. Processes that start at once must agree on one
secret, and a machine that stops in the midst must not leave half of one.
"""

import os
from pathlib import Path

from clearhouse.kernel.randomness import Randomness


def kept_secret(path: Path, randomness: Randomness, size: int) -> str:
    """The secret in a file, ``size`` random bytes in hex. Raises OSError.

    It is made whole under another name first, so that nobody reads a part of one; of two
    processes, the one that is first to give it its name decides.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        draft = path.with_name(f".{path.name}.{randomness.token(8).hex()}")
        number = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(number, "wb") as file:
                file.write(randomness.token(size).hex().encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
            os.link(draft, path)
        except FileExistsError:
            pass  # Another process was faster, and its secret is the one.
        finally:
            draft.unlink()
    return path.read_text("ascii", errors="replace").strip()
