"""The causes of breaks as a table for people, drawn from the rules."""

from typing import Final

from clearhouse.reconciliation.matching import Cause, Mender

WHO: Final = {Mender.ENGINE: "clearhouse", Mender.PERSON: "a person", Mender.TIME: "time"}
"""Who closes a break, in a word or two."""


def sections() -> dict[str, str]:
    """The parts of docs/reference/reconciliation.md that are drawn from the code."""
    rows = ["| cause | what differs | closed by | what is proposed |", "|---|---|---|---|"]
    rows += [
        f"| `{cause.word}` | {cause.meaning} | {WHO[cause.mender]} | {cause.proposal} |"
        for cause in Cause
    ]
    return {"causes": "\n".join(rows)}
