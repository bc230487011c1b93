"""Parse the XML of a workbook piece by piece. Memory is bounded, whatever the XML holds."""

from collections.abc import Iterator, Mapping
from typing import IO, NoReturn, Protocol
from xml.parsers import expat

# Few, since a cell of a few bytes may stand for a long text.
BYTES_AT_ONCE = 8 * 1024
DEPTH_AT_MOST = 100
NAMES_AT_MOST = 10_000
BYTES_OF_A_TOKEN_AT_MOST = 1024 * 1024

# Elements of these namespaces go by their local names, all others by one.
FOREIGN = "foreign"
NAMESPACES = {
    "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
    "http://purl.oclc.org/ooxml/spreadsheetml/main",
    "http://schemas.openxmlformats.org/package/2006/relationships",
}


class WorkbookUnreadable(Exception):
    """The message says why, in words that follow the name of the workbook."""


class Listener(Protocol):
    """Takes what an XML document holds. A path is an element with its parent, such as `row/c`."""

    def begin(self, path: str, attributes: Mapping[str, str]) -> None: ...

    def add_text(self, path: str, text: str) -> None: ...

    def end(self, path: str) -> None: ...


class Elements:
    """Keeps the attributes of the elements at certain paths."""

    def __init__(self, *paths: str, at_most: int) -> None:
        self.found: dict[str, list[Mapping[str, str]]] = {path: [] for path in paths}
        self._left = at_most

    def begin(self, path: str, attributes: Mapping[str, str]) -> None:
        if path in self.found:
            self._left -= 1
            if self._left < 0:
                raise WorkbookUnreadable("it has more sheets, parts or formats than a workbook can have")
            self.found[path].append(attributes)

    def add_text(self, path: str, text: str) -> None:
        pass

    def end(self, path: str) -> None:
        pass


class XmlReader:
    """Hands a document to a listener. Raises WorkbookUnreadable or expat's error."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._names: dict[str, str] = {}
        self._paths: list[str] = [""]
        self._tag = ""
        self._bytes_of_token = 0
        self._parser = expat.ParserCreate(namespace_separator=" ", intern=self._names)
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._begin
        self._parser.CharacterDataHandler = self._add_text
        self._parser.EndElementHandler = self._end
        self._parser.DefaultHandler = self._skip
        self._parser.StartDoctypeDeclHandler = refuse_doctype

    def read(self, file: IO[bytes], bytes_at_most: int) -> Iterator[None]:
        """Pauses after each piece, so that what the listener has heard can be used."""
        left = bytes_at_most
        while piece := file.read(BYTES_AT_ONCE):
            left -= len(piece)
            self._bytes_of_token += len(piece)
            self._parser.Parse(piece)
            if (
                left < 0
                or len(self._names) > NAMES_AT_MOST
                or self._bytes_of_token > BYTES_OF_A_TOKEN_AT_MOST
            ):
                raise WorkbookUnreadable("it unpacks to more than a workbook of timesheets holds")
            yield
        self._parser.Parse(b"", True)
        yield

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        self._bytes_of_token = 0
        namespace, _, local = name.rpartition(" ")
        tag = local if namespace in NAMESPACES else FOREIGN
        self._paths.append(f"{self._tag}/{tag}")
        self._tag = tag
        if len(self._paths) > DEPTH_AT_MOST:
            raise WorkbookUnreadable("its XML is nested too deep")
        self._listener.begin(self._paths[-1], attributes)

    def _add_text(self, text: str) -> None:
        self._bytes_of_token = 0
        self._listener.add_text(self._paths[-1], text)

    def _end(self, name: str) -> None:
        self._bytes_of_token = 0
        self._listener.end(self._paths.pop())
        self._tag = self._paths[-1].rpartition("/")[2]

    def _skip(self, text: str) -> None:
        self._bytes_of_token = 0


def refuse_doctype(*_: object) -> NoReturn:
    raise WorkbookUnreadable("its XML has a DOCTYPE, which no spreadsheet writes")
