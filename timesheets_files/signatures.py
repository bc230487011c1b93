"""Recognize files by their first bytes."""

from timesheets_files.members import FileUnreadable

GZIP = b"\x1f\x8b"
ZIP = b"PK\x03\x04"
# Also of a workbook with a password, which is wrapped in a file of the old format.
OLD_EXCEL = b"\xd0\xcf\x11\xe0"

# Its first part is stored as it is.
OPEN_DOCUMENT = b"mimetypeapplication/vnd.oasis.opendocument"

UTF_16 = 'is in UTF-16; save it as "CSV UTF-8"'
NO_TEXT = {
    b"\xff\xfe": UTF_16,
    b"\xfe\xff": UTF_16,
    OLD_EXCEL: "is a workbook in Excel's old format, or has a password; save it as .xlsx without a password",
    b"%PDF": "is a PDF; save the table as CSV UTF-8 instead",
    ZIP: "is an Excel workbook or a zip archive, and not text",
    GZIP: "is compressed with gzip",
}


def require_known(head: bytes) -> None:
    """Raise FileUnreadable for a spreadsheet that is no Excel workbook."""
    if OPEN_DOCUMENT in head[:100]:
        raise FileUnreadable("is an OpenDocument file, such as .ods; save it as .xlsx or as CSV UTF-8")


def require_text(head: bytes) -> None:
    """Raise FileUnreadable for a file that begins like one of another kind."""
    for mark, problem in NO_TEXT.items():
        if head.startswith(mark):
            raise FileUnreadable(problem)
    # ASCII in UTF-16 without a mark.
    if len(head) > 3 and (not any(head[:4:2]) or not any(head[1:4:2])):
        raise FileUnreadable(UTF_16)
