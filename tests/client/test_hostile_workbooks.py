import gzip
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.client.reading import describe, find_warnings, read
from tests.client.workbook_files import (
    MAIN,
    make_parts,
    make_workbook,
    pack,
    relate,
    write_row,
    write_sheet,
    write_text,
)
from tests.kit.processes import run_python
from timesheets_client.errors import InputUnreadable
from timesheets_client.reading.inputs import Format

MEGABYTE = 1_000_000
DOCTYPE = '<!DOCTYPE worksheet [<!ENTITY e "007">]>'
SHEET = "xl/worksheets/sheet1.xml"


def shared(index: str) -> str:
    return f'<c t="s"><v>{index}</v></c>'


def replace_part(name: str, content: str | bytes) -> bytes:
    return pack({**make_parts(write_sheet(write_row(2))), name: content})


def remove_part(name: str) -> bytes:
    parts = make_parts(write_sheet(write_row(2)))
    del parts[name]
    return pack(parts)


def claim_size(content: bytes) -> bytes:
    """The same archive, with a first member that claims to unpack to 2 GB."""
    position = content.index(b"PK\x01\x02") + 24
    return content[:position] + (2 * 10**9).to_bytes(4, "little") + content[position + 4 :]


def format_as_date(number: str, epoch: str = "") -> bytes:
    """A workbook in which the cells of numbers have the format of a date, the one of `date` too."""
    row = f'<row r="2">{write_text("007")}<c><v>{number}</v></c>{write_text("X")}<c><v>1</v></c></row>'
    parts = make_parts(write_sheet(row))
    styles = f'<styleSheet {MAIN}><cellXfs><xf numFmtId="14"/></cellXfs></styleSheet>'
    workbook = parts["xl/workbook.xml"].replace("<sheets>", f"{epoch}<sheets>")
    return pack({**parts, "xl/styles.xml": styles, "xl/workbook.xml": workbook})


def test_a_handmade_workbook_is_read() -> None:
    assert describe(read(make_workbook(write_row(2)), "w.xlsx")) == ["w.xlsx!S:2"]


@pytest.mark.parametrize("dimension", ["A1:D2", "A1", "A1:B2", "D9:E10", "nonsense"])
def test_the_declared_size_of_a_sheet_is_ignored(dimension: str) -> None:
    rows = [write_row(number) for number in range(2, 9)]

    read_rows = read(make_workbook(*rows, before=f'<dimension ref="{dimension}"/>'), "w.xlsx")

    assert describe(read_rows) == [f"w.xlsx!S:{number}" for number in range(2, 9)]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param(make_workbook(write_row(1_048_577)), "at most 1,048,576 rows", id="a row too many"),
        pytest.param(make_workbook(write_row(3), write_row(3)), "row 3 comes after row 3", id="row twice"),
        pytest.param(
            make_workbook('<row r="2"><c r="XFE2"><v>1</v></c></row>'), "too far right", id="column"
        ),
        pytest.param(make_workbook('<row r="2"><c r="22"/></row>'), "not a complete", id="reference"),
        pytest.param(
            make_workbook('<row r="2"><c r="A2"><v>1</v></c><c r="A2"><v>2</v></c></row>'),
            "has a cell twice",
            id="cell twice",
        ),
        pytest.param(make_workbook(write_row(2, user=shared("0"))), "not a complete", id="text 0"),
        pytest.param(
            make_workbook(write_row(2, user=shared("-1"))), "text that does not exist", id="text -1"
        ),
        pytest.param(make_workbook(write_row(2, user=shared("9" * 5000))), "not a complete", id="text 999"),
        pytest.param(make_workbook(write_row(2, hours="1_000")), "is not a number", id="underscore"),
        pytest.param(make_workbook(write_row(2, hours="1e999")), "is not a number", id="infinity"),
        pytest.param(make_workbook('<row r="2"><c t="x"><v>1</v></c></row>'), "unknown type", id="type"),
        pytest.param(
            make_workbook('<row r="2"><c t="b"><v>2</v></c></row>'),
            "unknown type or value: b, '2'",
            id="boolean",
        ),
        pytest.param(format_as_date("60"), "1900-02-29, which was no day", id="day 60"),
        pytest.param(b"\n" + make_workbook(), "bytes before or after it", id="byte before"),
        pytest.param(make_workbook() + b"\n", "bytes before or after it", id="byte after"),
        pytest.param(make_workbook("<row>"), "not a complete Excel workbook", id="broken XML"),
        pytest.param(replace_part(SHEET, write_sheet(write_row(2))[:-30]), "not a complete", id="cut XML"),
        pytest.param(replace_part(SHEET, DOCTYPE + write_sheet()), "has a DOCTYPE", id="DOCTYPE"),
        pytest.param(replace_part("xl/styles.xml", "<"), "not a complete Excel workbook", id="styles"),
        pytest.param(replace_part("XL/WORKBOOK.XML", b""), "two parts named", id="part twice"),
        pytest.param(remove_part(SHEET), "not a complete Excel workbook", id="no sheet"),
        pytest.param(remove_part("[Content_Types].xml"), "not a complete Excel workbook", id="no types"),
        pytest.param(
            replace_part("xl/_rels/workbook.xml.rels", relate()),
            "not a complete Excel workbook",
            id="dangling sheet",
        ),
        pytest.param(
            claim_size(make_workbook(write_row(2))), "more sheets, parts or formats", id="gigabytes"
        ),
        pytest.param(pack({"a.txt": "x"}), "not a complete Excel workbook", id="another archive"),
        pytest.param(b"\xd0\xcf\x11\xe0" + bytes(99), "old format, or has a password", id="old format"),
        pytest.param(
            pack(make_parts(write_sheet(write_row(2))), zipfile.ZIP_BZIP2),
            "uses a compression method",
            id="bzip2",
        ),
        pytest.param(
            make_workbook(write_row(2))[:400] + b"\xff" + make_workbook(write_row(2))[401:],
            "not a complete Excel workbook",
            id="damaged",
        ),
    ],
)
def test_a_malformed_workbook_is_unreadable(content: bytes, problem: str) -> None:
    with pytest.raises(InputUnreadable, match=f"^w.xlsx: .*{problem}"):
        read(content, "w.xlsx")


@pytest.mark.parametrize(
    ("content", "day"),
    [
        pytest.param(format_as_date("59"), "1900-02-28", id="59"),
        pytest.param(format_as_date("61"), "1900-03-01", id="61"),
        pytest.param(format_as_date("60", '<workbookPr date1904="1"/>'), "1904-03-01", id="60 from 1904"),
    ],
)
def test_the_days_around_excels_wrong_day_are_read(content: bytes, day: str) -> None:
    [rejected] = read(content, "w.xlsx")

    assert rejected.members["date"] == day


def test_a_workbook_that_is_cut_at_any_byte_is_unreadable() -> None:
    content = make_workbook(*(write_row(number) for number in range(2, 40)))

    for length in range(4, len(content), 7):
        with pytest.raises(InputUnreadable):
            read(content[:length], "w.xlsx")


@pytest.mark.slow
def test_a_workbook_with_damaged_bytes_is_read_or_unreadable() -> None:
    content = make_workbook(*(write_row(number) for number in range(2, 40)))

    for position in range(len(content)):
        damaged = content[:position] + bytes([content[position] ^ 0x55]) + content[position + 1 :]
        try:
            read(damaged, "w.xlsx", chosen=Format.XLSX)
        except InputUnreadable:
            continue


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("<t>0</t><t>07</t>", "007", id="pieces"),
        pytest.param("<r><t>00</t></r><r><t>7</t></r>", "007", id="rich text"),
        pytest.param("<t>007</t><rPh><t>zero</t></rPh>", "007", id="pronunciation"),
        pytest.param("<t>a_x005F_x000D_b</t>", "a_x000D_b", id="escaped underscore"),
    ],
)
def test_texts_are_read_as_excel_shows_them(text: str, expected: str) -> None:
    strings = f"<sst {MAIN}><si><t>first</t></si><si>{text}</si></sst>"

    [by_number] = read(make_workbook(write_row(2, user=shared("1")), strings=strings), "w.xlsx")
    [inline] = read(make_workbook(write_row(2, user=f'<c t="inlineStr"><is>{text}</is></c>')), "w.xlsx")

    assert by_number.members["user_id"] == inline.members["user_id"] == expected


def test_cells_may_come_in_any_order_and_without_names() -> None:
    row = f'<row><c r="D2"><v>1</v></c>{write_text("note")}<c r="A2" t="str"><v>007</v></c></row>'

    [rejected] = read(make_workbook(row), "w.xlsx")

    assert "this row has 5 cells, and the header has 4" in describe([rejected])[0]


def test_rows_of_other_namespaces_are_ignored() -> None:
    controls = (
        '<controls xmlns:x="urn:x"><x:row>5</x:row><x:sheetData><x:row r="1"/></x:sheetData></controls>'
    )

    assert describe(read(make_workbook(write_row(2), after=controls), "w.xlsx")) == ["w.xlsx!S:2"]


def test_the_title_of_a_sheet_is_shown_on_one_line_and_truncated() -> None:
    parts = make_parts(write_sheet(write_row(2)))
    title = f'name="&#155;2J&#10;{"x" * MEGABYTE}"'
    parts["xl/workbook.xml"] = parts["xl/workbook.xml"].replace('name="S"', title)

    [entry] = read(pack(parts), "w.xlsx")

    assert entry.source == f"w.xlsx! 2J {'x' * 60}:2"


def test_a_text_that_is_too_long_rejects_its_row() -> None:
    strings = f"<sst {MAIN}><si><t>{'x' * 30_000}</t></si></sst>"
    inline = write_row(3, user=write_text("x" * 30_000))

    rows = read(
        make_workbook(write_row(2, user=shared("0")), inline, write_row(4), strings=strings), "w.xlsx"
    )

    assert describe(rows) == [
        "w.xlsx!S:2: user_id: the cell holds a text that is too long for the API",
        "w.xlsx!S:3: user_id: the cell holds a text that is too long for the API",
        "w.xlsx!S:4",
    ]


def test_the_strict_dialect_of_open_xml_is_read() -> None:
    sheet = write_sheet(write_row(2)).replace(MAIN, 'xmlns="http://purl.oclc.org/ooxml/spreadsheetml/main"')

    assert describe(read(replace_part(SHEET, sheet), "w.xlsx")) == ["w.xlsx!S:2"]


@pytest.mark.parametrize("value", ["1", "true"])
def test_a_hidden_row_is_read_and_causes_a_warning(value: str) -> None:
    content = make_workbook(write_row(2), write_row(3, attributes=f'hidden="{value}"'))

    assert describe(read(content, "w.xlsx")) == ["w.xlsx!S:2", "w.xlsx!S:3"]
    assert find_warnings(content, "w.xlsx") == ["w.xlsx: warning: hidden rows were read too (first: S:3)"]


def test_an_empty_text_is_a_computed_value() -> None:
    row = write_row(2).replace("</row>", '<c t="str"><f>A1</f><v></v></c></row>')

    assert find_warnings(make_workbook(row), "w.xlsx") == []
    assert len(read(make_workbook(row), "w.xlsx")) == 1


def test_reading_a_workbook_emits_no_python_warnings() -> None:
    rules = "<conditionalFormatting/><extLst><ext uri='x'/></extLst>"

    with warnings.catch_warnings(record=True) as caught:
        read(make_workbook(write_row(2), after=rules), "w.xlsx")

    assert caught == []


READ = """
import sys
from tests.client.memory import read_peak
from timesheets_client.errors import InputUnreadable
from timesheets_client.reading.inputs import Format, open_input, read_entries
count = 0
try:
    for _ in read_entries(open_input(sys.argv[1], sys.stdin.buffer), Format.AUTO):
        count += 1
    print("read", end=" ")
except InputUnreadable:
    print("unreadable", end=" ")
print(read_peak(), count)
"""


def repeat(begin: str, middle: str, times: int, end: str) -> Iterator[bytes]:
    yield begin.encode()
    piece = (middle * 1_000).encode()
    for _ in range(times // 1_000):
        yield piece
    yield end.encode()


BEFORE, AFTER = write_sheet().split("</sheetData>")
AFTER = f"</sheetData>{AFTER}"
STRINGS, STYLES = "xl/sharedStrings.xml", "xl/styles.xml"
FORMAT = f'<s {MAIN}><numFmts><numFmt numFmtId="200" formatCode="'
FORMAT_END = '"/></numFmts><cellXfs><xf numFmtId="200"/></cellXfs></s>'
LONG_TEXT = f"<sst {MAIN}><si><t>{chr(0x1F600) * 90_000}</t></si></sst>"
LONG_ROW = '<row><c t="s"><v>0</v></c></row>'
TEXT = f"<si><t>{'x' * 1000}</t></si>"


# The part, what is repeated between a beginning and an end, how often, and the verdict. Each of them is far
# larger than the memory that reading it may take.
LARGE = {
    "cell": (SHEET, (BEFORE + '<row r="2"><c><v>', "1", "</v></c></row>"), 100 * MEGABYTE, "unreadable"),
    "cells of a row": (SHEET, (BEFORE + '<row r="2">', "<c/>", "</row>"), 20 * MEGABYTE, "unreadable"),
    "rows": (SHEET, (BEFORE + '<row r="700000"/>', "<row/>", AFTER), 2 * MEGABYTE, "unreadable"),
    "attribute": (SHEET, (BEFORE + '<row r="2" x="', "1", f'"/>{AFTER}'), 100 * MEGABYTE, "unreadable"),
    "comment": (SHEET, (BEFORE + "<!--", "x", f"-->{AFTER}"), 100 * MEGABYTE, "unreadable"),
    "depth": (SHEET, (BEFORE, "<a>", ""), 20 * MEGABYTE, "unreadable"),
    "other elements": (SHEET, (BEFORE + AFTER[:12], "<a/>", AFTER[12:]), MEGABYTE, "read"),
    "rows of a long text": (SHEET, (BEFORE, LONG_ROW, AFTER), 20_000, "read"),
    "texts": (STRINGS, (f"<sst {MAIN}>", TEXT, "</sst>"), 300_000, "unreadable"),
    "text": (STRINGS, (f"<sst {MAIN}><si><t>", "x", "</t></si></sst>"), 100 * MEGABYTE, "unreadable"),
    "xf": (STYLES, (f"<s {MAIN}><cellXfs>", "<xf/>", "</cellXfs></s>"), 3 * MEGABYTE, "unreadable"),
    "brackets of a format": (STYLES, (FORMAT, "[", FORMAT_END), 200_000, "read"),
    "unused part": ("xl/theme.xml", ("", "x", ""), 100 * MEGABYTE, "read"),
}
# Texts are kept, and a parser keeps the elements that are open.
MEGABYTES = {"texts": 200, "depth": 200, "cells of a row": 80}


@pytest.mark.slow
@pytest.mark.parametrize("name", LARGE)
def test_memory_is_bounded_for_every_workbook(tmp_path: Path, name: str) -> None:
    part, (begin, middle, end), times, expected = LARGE[name]
    file = tmp_path / "w.xlsx"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for other, content in make_parts(write_sheet(write_row(2)), LONG_TEXT).items():
            if other != part:
                archive.writestr(other, content)
        with archive.open(part, "w", force_zip64=True) as target:
            for piece in repeat(begin, middle, times, end):
                target.write(piece)

    status, peak, _ = run_python("-c", READ, file).stdout.split()

    assert status == expected
    assert int(peak) < MEGABYTES.get(name, 64) * MEGABYTE


def test_prefixes_of_namespaces_are_not_read_into_memory() -> None:
    prefixes = "".join(f'<a xmlns:p{number}="x"/>' for number in range(20_000))

    with pytest.raises(InputUnreadable, match="unpacks to more than a workbook of timesheets holds"):
        read(make_workbook(write_row(2), after=prefixes), "w.xlsx")


def test_an_archive_of_many_parts_is_not_read_into_memory(tmp_path: Path) -> None:
    file = tmp_path / "w.xlsx.gz"
    file.write_bytes(gzip.compress(pack({f"{number}": "" for number in range(60_000)}), 1))

    status, peak, _ = run_python("-c", READ, file).stdout.split()

    assert status == "unreadable"
    assert int(peak) < 200 * MEGABYTE


LIMIT = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
from timesheets_client.errors import TemporaryFailure
from timesheets_client.reading.inputs import Format, open_input, read_entries
try:
    list(read_entries(open_input(sys.argv[1], sys.stdin.buffer), Format.AUTO))
except TemporaryFailure as error:
    print(error)
"""


def test_no_space_for_a_copy_is_a_temporary_failure(tmp_path: Path) -> None:
    file = tmp_path / "w.xlsx"
    file.write_bytes(bytes(20 * MEGABYTE))

    printed = run_python("-c", LIMIT, file).stdout

    assert "w.xlsx: there is no space for a temporary copy of it" in printed


def test_a_file_that_unpacks_to_gigabytes_fills_no_disk(tmp_path: Path) -> None:
    file = tmp_path / "w.xlsx.gz"
    with gzip.open(file, "wb", 1) as stream:
        for _ in range(300):
            stream.write(bytes(MEGABYTE))

    status, peak, _ = run_python("-c", READ, file).stdout.split()

    assert status == "unreadable"
    assert int(peak) < 200 * MEGABYTE
