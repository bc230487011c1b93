"""From the cells of a row to an entry: each column takes only what cannot have lost anything."""

from collections.abc import Mapping
from datetime import tzinfo
from decimal import Decimal

from timesheets_client.reading.entries import ENTRY_ID, InputEntry, Rejected
from timesheets_client.reading.rows import Header, RowUnreadable, read_row
from timesheets_client.reading.workbook_cells import Cell, Kind
from timesheets_client.reading.workbook_rows import Row

TEXTS = {Kind.TEXT, Kind.EMPTY}
ANY = set(Kind)
KINDS: Mapping[str, set[Kind]] = {
    "user_id": TEXTS,
    "date": TEXTS | {Kind.DATE},
    "project": TEXTS,
    "hours": TEXTS | {Kind.NUMBER},
    ENTRY_ID: TEXTS,
}


def judge_row(source: str, row: Row, header: Header, zone: tzinfo | None) -> InputEntry | Rejected:
    cells = row.list_cells(len(header.names))
    pairs = [(name, cell) for name, cell in zip(header.names, cells, strict=False) if name]
    wrong = {name: cell for name, cell in pairs if cell.kind not in KINDS.get(name, ANY)}
    # As what they are, so that the API refuses them too if nobody corrects them.
    values = {name: write_value(cell) for name, cell in wrong.items()}
    try:
        texts = header.name_cells([cell.text for cell in cells])
    except RowUnreadable as error:
        members = {name: cell.text for name, cell in pairs}
        return Rejected(source=source, errors={error.name: [str(error)]}, members={**members, **values})
    read = read_row(source, texts, zone)
    if not wrong:
        return read
    errors = dict(read.errors) if isinstance(read, Rejected) else {}
    errors |= {name: [explain(name, cell)] for name, cell in wrong.items()}
    return Rejected(source=source, errors=errors, members={**read.members, **values})


def explain(name: str, cell: Cell) -> str:
    found = f"the cell holds {' '.join(filter(None, (cell.kind.value, cell.text)))}"
    if cell.kind is Kind.NOT_COMPUTED:
        return f"{found}; open the workbook in a spreadsheet and save it"
    if cell.kind is Kind.TOO_LONG:
        return found
    if name == "date":
        return f"{found}; format it as a date, or write it as text such as 2026-04-03"
    if name == "hours":
        return f"{found}; write the hours as a number such as 7.5"
    if cell.kind is Kind.NUMBER:
        found += ", which has lost its leading zeros if it had any"
    return f"{found}; format the column as text and write it again"


def write_value(cell: Cell) -> object:
    if cell.kind is Kind.NUMBER:
        return Decimal(cell.text)
    return cell.text == "true" if cell.kind is Kind.BOOLEAN else None
