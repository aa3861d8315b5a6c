"""What the API says of a file that was handed in: types that define the JSON, and their values."""

from datetime import date
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from clearhouse.psp.settlements import TroubleKind
from clearhouse.reconciliation.model import Collected, FileState

MOST_TROUBLES: Final = 100


class FileTroubleView(msgspec.Struct, frozen=True):
    """Something in a file that was not understood."""

    line: Annotated[int, Meta(description="Counts from 1; 0 is the file as a whole.")]
    kind: TroubleKind
    text: Annotated[str, Meta(description="In a sentence.")]


class UploadedFileView(msgspec.Struct, frozen=True):
    """A settlement report or bank statement that was read."""

    file_id: Annotated[str, Meta(description="Ours.")]
    name: Annotated[str, Meta(description="As it was sent, without what no file name should hold.")]
    source: Annotated[str, Meta(description="The PSP whose report it is, or `bank`.")]
    state: Annotated[
        FileState,
        Meta(description="`read`, `read_in_part`, or `known`: the same bytes came before."),
    ]
    lines: Annotated[int, Meta(description="How many it has.")]
    new: Annotated[int, Meta(description="How many of them no earlier file had.")]
    corrected: Annotated[int, Meta(description="How many say something else than before.")]
    first_day: Annotated[date | None, Meta(description="Of the days that it speaks of.")]
    last_day: date | None
    trouble_count: Annotated[int, Meta(description="What was not understood; the rest counts.")]
    troubles: Annotated[list[FileTroubleView], Meta(description="The first hundred of them.")]


def view_file(one: Collected) -> UploadedFileView:
    """A file as the API tells it."""
    read = one.read
    return UploadedFileView(
        file_id=str(read.file_id),
        name=one.name,
        source=one.source,
        state=read.state,
        lines=read.lines,
        new=read.new,
        corrected=read.changed,
        first_day=read.first,
        last_day=read.last,
        trouble_count=read.trouble_count,
        troubles=[
            FileTroubleView(trouble.line, trouble.kind, trouble.text)
            for trouble in read.troubles[:MOST_TROUBLES]
        ],
    )
