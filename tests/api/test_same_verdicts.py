"""A file means the same to the API and to the client."""

import io

import pytest

from tests.api.conftest import Upload, status_and_code
from timesheets_client.checks import find_errors
from timesheets_client.errors import DateOrderInDoubt, InputUnreadable
from timesheets_client.reading.entries import InputEntry, InputWarning, SkippedRow
from timesheets_client.reading.identity import StatedIds
from timesheets_client.reading.inputs import Format, Input, read_entries
from timesheets_client.reading.table_files import TableOptions
from timesheets_files.dates import DateFormat

HEADER = "user_id,date,project,hours,entry_id,revision,reason"
ROWS = r'''7,2026-06-03,X,1,,,
007,2026-06-03T08:00:00Z,X,1,,,
007,2026-06-03 08:00+02:00,X,24,a,,
007,2026-06-03 08:00,X,24.001,,,
007,03.06.2026,X,25,,,
007,2026-02-30,X,1,,,
007,1899-12-31,X,1,,,
007,3000-01-01,,0,,,
007,2026-06-03,X,.5,,,
007,2026-06-03,X,+7,,,
007,2026-06-03,X,007.5,,,
007,2026-06-03,X,"7,5",,,
007,2026-06-03,X,-1,,,
 007 , 2026-06-03 , X , 1 , , ,
,,,,,,,,,
007,2026-06-03,X,1,
007,2026-06-03,X,1,,,,
007,2026-06-03,"X ""y""",1,,,
007,2026-06-03,X"y",1,,,
007,2026-06-03, "X",1,,,
007,2026-06-03,"X"y,1,,,
007,2026-06-03,"X\ny",1,,,
007,2026-06-03,X\0,1,,,
007,2026-06-03,X\x85y,1,,,
007,2026-06-03,\udcff,1,,,
{long},2026-06-03,{longer},1,,,
007,2026-06-03,X,1,b c,,
007,2026-06-03,X,1,same,,
007,2026-06-03,X,1.00,same,,
007,2026-06-03,X,2,same,,
007,2026-06-03,X,1,c,2,
007,2026-06-03,X,1,,,late
007,2026-06-03,X,1,d,0,
007,2026-06-03,X,1,d,2.0,late
007,2026-06-03,X,1,d,1,
007,2026-06-03,"open,1,,,'''


def list_lines(separator: str = ",", ending: str = "\n") -> bytes:
    text = f"{HEADER}\n{ROWS}\n".format(long="x" * 65, longer="y" * 129)
    lines = text.replace("\\n", "\n").replace("\\0", "\0").replace("\\x85", "\x85")
    if separator != ",":
        lines = "\n".join(line for line in lines.split("\n") if '"' not in line).replace(",", separator)
    return lines.replace("\\udcff", "\udcff").replace("\n", ending).encode(errors="surrogateescape")


def ask_client(content: bytes, options: TableOptions) -> dict[int, list[str]] | str:
    """The members with errors, by line."""
    source = Input(name="f.csv", file=io.BufferedReader(io.BytesIO(content)))
    stated, found = StatedIds(), {}
    try:
        for each in read_entries(source, Format.CSV, options):
            if not isinstance(each, InputWarning | SkippedRow):
                errors = find_errors(each, stated) if isinstance(each, InputEntry) else each.errors
                found[int(each.source.rpartition(":")[2])] = sorted(errors)
    except DateOrderInDoubt:
        return "date_order"
    except InputUnreadable:
        return "unreadable"
    return {line: errors for line, errors in found.items() if errors}


def ask_api(correct: Upload, content: bytes, query: str = "") -> dict[int, list[str]] | str:
    response = correct(content, content_type="text/csv", path=f"/timesheets/upload?dry_run=true&{query}")
    if response.status_code != 200:
        code = status_and_code(response)[1]
        return code if code == "date_order" else "unreadable"
    refused = [item for item in response.json()["entries"] if item["status"] >= 400]
    # A revision that corrects nothing is for the API alone to know.
    return {
        item["line"]: sorted(item.get("errors", {"entry_id": []})) for item in refused if "id" not in item
    }


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_messy_rows_are_refused_for_the_same_members(correct: Upload, separator: str, ending: str) -> None:
    content = list_lines(separator, ending)

    found = ask_client(content, TableOptions())

    assert len(found) > 15
    assert found == ask_api(correct, content)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\n \n", id="blank"),
        pytest.param((HEADER + "\n").encode("utf-16"), id="UTF-16"),
        pytest.param(b"user_id,date,project\n", id="missing column"),
        pytest.param(b"user_id,date,project,hours,x\n", id="unknown column"),
        pytest.param(b"user_id,date,project,hours,HOURS\n", id="repeated column"),
        pytest.param(HEADER.encode() + b"\n007,2026-13-06,X,1,,,\n", id="swapped"),
        pytest.param(HEADER.upper().encode(), id="header alone"),
        pytest.param(HEADER.encode() + b"\n" + b"x" * 1_100_000 + b"\n7,2026-06-03,X,1,,,\n", id="long row"),
        pytest.param(b"sep=;\nuser_id;date;project;hours;\n7;2026-06-03;X;1,5;\n7;;X;1;note\n", id="sep"),
    ],
)
def test_a_whole_file_has_the_same_verdict(correct: Upload, content: bytes) -> None:
    assert ask_client(content, TableOptions()) == ask_api(correct, content)


@pytest.mark.parametrize("date_format", ["dmy", "mdy"])
@pytest.mark.parametrize(
    "date", ["3.4.2026", "3/4/2026", "13-4-2026", "4/13/2026", "31.04.2026", "3.4.26", "2026-04-03", "3/4-26"]
)
def test_a_date_has_the_same_verdict(correct: Upload, date: str, date_format: str) -> None:
    content = f"user_id,date,project,hours\n7,{date},X,1\n".encode()

    found = ask_client(content, TableOptions(date_format=DateFormat(date_format)))

    assert found == ask_api(correct, content, f"date_format={date_format}")
