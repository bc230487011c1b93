"""The texts that the cells of a workbook refer to by number."""

from array import array
from collections.abc import Mapping

from timesheets_client.reading.workbook_xml import WorkbookUnreadable

# Longer ones are cut, and too long all the same.
BYTES_OF_A_TEXT_AT_MOST = 8_000
BYTES_OF_SHARED_STRINGS_AT_MOST = 128 * 1024 * 1024


class SharedStrings:
    """Listens to the part that holds the texts. Keeps them as bytes, which take less memory than strings."""

    def __init__(self) -> None:
        self._texts = bytearray()
        self._ends = array("Q", [0])

    def __getitem__(self, index: int) -> str:
        begin, end = self._ends[index : index + 2]
        return self._texts[begin : min(end, begin + BYTES_OF_A_TEXT_AT_MOST)].decode(errors="ignore")

    def __len__(self) -> int:
        return len(self._ends) - 1

    def begin(self, path: str, attributes: Mapping[str, str]) -> None:
        pass

    def add_text(self, path: str, text: str) -> None:
        # Not rPh/t, which says how a text is pronounced.
        if path in ("si/t", "r/t"):
            self._texts += text.encode()
            self._require_space()

    def end(self, path: str) -> None:
        if path == "sst/si":
            self._ends.append(len(self._texts))
            self._require_space()

    def _require_space(self) -> None:
        if len(self._texts) + len(self._ends) * self._ends.itemsize > BYTES_OF_SHARED_STRINGS_AT_MOST:
            raise WorkbookUnreadable("its texts are too much for one workbook; split it")
