"""Handmade workbooks, with parts that no spreadsheet writes."""

import io
import zipfile
from collections.abc import Mapping

MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
DOCUMENT = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
SHEETS = "application/vnd.openxmlformats-officedocument.spreadsheetml"
TYPES = f"""<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">
<Override PartName="/xl/workbook.xml" ContentType="{SHEETS}.sheet.main+xml"/>
<Override PartName="/xl/styles.xml" ContentType="{SHEETS}.styles+xml"/>
<Override PartName="/xl/sharedStrings.xml" ContentType="{SHEETS}.sharedStrings+xml"/>
<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{SHEETS}.worksheet+xml"/></Types>"""
COLUMNS = "".join(f'<c t="inlineStr"><is><t>{name}</t></is></c>' for name in ("user_id", "date", "project"))
HEADER = f'<row r="1">{COLUMNS}<c t="inlineStr"><is><t>hours</t></is></c></row>'


def write_text(text: str) -> str:
    return f'<c t="inlineStr"><is><t>{text}</t></is></c>'


def write_row(number: int, *, attributes: str = "", user: str = write_text("007"), hours: str = "1") -> str:
    cells = f"{user}{write_text('2026-06-03')}{write_text('X')}<c><v>{hours}</v></c>"
    return f'<row r="{number}" {attributes}>{cells}</row>'


def relate(**parts: str) -> str:
    references = "".join(
        f'<Relationship Id="{kind}" Type="{DOCUMENT}/{kind}" Target="{target}"/>'
        for kind, target in parts.items()
    )
    namespace = "http://schemas.openxmlformats.org/package/2006/relationships"
    return f'<Relationships xmlns="{namespace}">{references}</Relationships>'


def write_sheet(*rows: str, before: str = "", after: str = "") -> str:
    return f"<worksheet {MAIN}>{before}<sheetData>{HEADER}{''.join(rows)}</sheetData>{after}</worksheet>"


def make_parts(sheet: str, strings: str = f"<sst {MAIN}/>") -> dict[str, str]:
    return {
        "[Content_Types].xml": TYPES,
        "_rels/.rels": relate(officeDocument="xl/workbook.xml"),
        "xl/_rels/workbook.xml.rels": relate(
            worksheet="worksheets/sheet1.xml", sharedStrings="sharedStrings.xml", styles="/xl/styles.xml"
        ),
        "xl/workbook.xml": f'<workbook {MAIN} xmlns:r="{DOCUMENT}"><sheets>'
        '<sheet name="S" r:id="worksheet"/></sheets></workbook>',
        "xl/styles.xml": f"<styleSheet {MAIN}/>",
        "xl/sharedStrings.xml": strings,
        "xl/worksheets/sheet1.xml": sheet,
    }


def pack(parts: Mapping[str, str | bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return stream.getvalue()


def make_workbook(*rows: str, before: str = "", after: str = "", strings: str = f"<sst {MAIN}/>") -> bytes:
    """One sheet `S` with a header and these rows."""
    return pack(make_parts(write_sheet(*rows, before=before, after=after), strings))
