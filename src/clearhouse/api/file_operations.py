"""What handing in a file promises, and its example."""

from typing import Final

from clearhouse.access.model import Scope
from clearhouse.api.file_views import UploadedFileView
from clearhouse.api.operation import Operation, query_parameter

FILES: Final = (
    Operation(
        "POST",
        "/v1/reconciliation/files",
        "uploadFile",
        "Reconciliation",
        "Hand in a settlement report or a bank statement",
        "The body is the file itself, as the PSP or the bank made it: what it is, it says itself. "
        "It is read at once and kept for good; its days are compared within a minute where the "
        "role `reconciliation` runs. The same bytes again change nothing, and neither do lines "
        "that came before.",
        200,
        Scope.FILES_WRITE,
        (
            query_parameter(
                "name",
                "What the file is called; a CSV statement must end in `.csv`.",
                "statement-2026-03.xml",
                type="string",
                maxLength=255,
            ),
        ),
        response=UploadedFileView,
        response_example={
            "file_id": "019ca8d5-a4c1-7d0e-9b1e-6a5f0c3b2d41",
            "name": "statement-2026-03.xml",
            "source": "bank",
            "state": "read",
            "lines": 412,
            "new": 398,
            "corrected": 0,
            "first_day": "2026-03-01",
            "last_day": "2026-03-31",
            "trouble_count": 0,
            "troubles": [],
        },
        takes_file=True,
        problems=("invalid-parameter", "body-too-large", "file-not-understood"),
    ),
)
