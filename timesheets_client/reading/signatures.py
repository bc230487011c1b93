"""The first bytes of the file formats that the client recognizes."""

GZIP = b"\x1f\x8b"
ZIP = b"PK\x03\x04"
# Also of a workbook with a password, which is wrapped in a file of the old format.
OLD_EXCEL = b"\xd0\xcf\x11\xe0"
