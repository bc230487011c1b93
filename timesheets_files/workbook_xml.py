"""Read the XML of a workbook as a stream. Memory is bounded for every document."""

from collections.abc import Iterable, Iterator
from typing import NoReturn
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from timesheets_files.members import FileUnreadable

# Of an element at the path, or between the ends of two other elements.
MAX_ELEMENT_BYTES = 1024 * 1024
# expat keeps each name that it reads.
MAX_NAMES = 10_000

# Elements in these namespaces go by their local names, all others by one name.
NAMESPACES = {
    "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
    "http://purl.oclc.org/ooxml/spreadsheetml/main",
    "http://schemas.openxmlformats.org/package/2006/relationships",
}


class ElementReader:
    """Reads the elements at `path`, a parent and a child such as `sheetData/row`. Keeps nothing else."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._tags = [""]
        self._builder: TreeBuilder | None = None
        self._root: Element | None = None
        self._found: list[Element] = []
        self._names: dict[str, str] = {}
        self._bytes_of_element = 0
        self._parser = expat.ParserCreate(namespace_separator=" ", intern=self._names)
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._begin
        self._parser.CharacterDataHandler = self._add_text
        self._parser.EndElementHandler = self._end
        self._parser.StartDoctypeDeclHandler = refuse_doctype
        self._parser.StartNamespaceDeclHandler = ignore

    def read(self, chunks: Iterable[bytes]) -> Iterator[Element]:
        """Each element when it ends. Raises FileUnreadable or expat's error."""
        for chunk in chunks:
            self._bytes_of_element += len(chunk)
            self._parser.Parse(chunk)
            if self._bytes_of_element > MAX_ELEMENT_BYTES or len(self._names) > MAX_NAMES:
                raise FileUnreadable("it unpacks to more than a workbook of timesheets holds")
            yield from self._found
            self._found.clear()
        self._parser.Parse(b"", True)
        yield from self._found

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        namespace, _, local = name.rpartition(" ")
        tag = local if namespace in NAMESPACES else "foreign"
        if self._builder is not None:
            self._builder.start(tag, attributes)
        elif f"{self._tags[-1]}/{tag}" == self._path:
            self._builder = TreeBuilder()
            self._root = self._builder.start(tag, attributes)
        self._tags.append(tag)

    def _add_text(self, text: str) -> None:
        if self._builder is not None:
            self._builder.data(text)

    def _end(self, name: str) -> None:
        tag = self._tags.pop()
        if self._builder is not None and self._root is self._builder.end(tag):
            self._found.append(self._builder.close())
            self._builder = None
        if self._builder is None:
            self._bytes_of_element = 0


def refuse_doctype(*_: object) -> NoReturn:
    raise FileUnreadable("its XML has a DOCTYPE, which no spreadsheet writes")


def ignore(*_: object) -> None:
    """A handler for prefixes, because expat reports their names only to a handler."""
