"""Who does by hand what the audit log notes."""

import getpass

from clearhouse.kernel.errors import ConfigurationError


def actor() -> str:
    """The operating system's user, for the audit log."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        raise ConfigurationError(
            "The operating system does not say who you are, and the audit log needs to know.",
            hint="Set USER.",
        ) from None
