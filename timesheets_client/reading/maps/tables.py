"""Take the keys of a TOML document one by one, and collect all that is wrong with them."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from timesheets_files.printable import put_on_one_line

# What a missing value, or one of another type, reads as.
EMPTY: Mapping[type, Any] = {str: "", int: 0, Decimal: 0, bool: False, dict: {}, list: []}
TYPES = {
    str: "a text",
    int: "a whole number",
    Decimal: "a number",
    bool: "true or false",
    dict: "a table",
    list: "a list",
}


class Table:
    """A table of the document. `close` reports the keys that were not taken.

    A missing or wrong value reads as empty. `problems` has a line for each problem, with its key.
    """

    def __init__(self, values: Mapping[str, object], problems: list[str], name: str = "") -> None:
        self._left, self.problems, self._name = dict(values), problems, name
        self._mistyped: set[str] = set()

    def __contains__(self, key: str) -> bool:
        return key in self._left

    def refuse(self, key: str, problem: str) -> None:
        """Add a problem, or a line for each line of it, unless the value is not even of the right type."""
        if key in self._mistyped:
            return
        place = ".".join(filter(None, (self._name, key)))
        self.problems += [put_on_one_line(f"{place}: {line}") for line in problem.split("\n")]

    def take(self, key: str, kind: type = str, default: object = None) -> Any:
        default = EMPTY[kind] if default is None else default
        value = self._left.pop(key, default)
        if type(value) is kind or (kind is Decimal and type(value) is int):
            return value
        self.refuse(key, f"must be {TYPES[kind]}")
        self._mistyped.add(key)
        return default

    def take_choice(self, key: str, choices: Sequence[str], default: str = "") -> str:
        chosen = self.take(key) if key in self else default
        if chosen in choices:
            return str(chosen)
        *others, last = choices
        self.refuse(key, f"must be {', '.join(others)} or {last}")
        return choices[0]

    def take_texts(self, key: str) -> Sequence[str]:
        """A text, or the texts of a list."""
        if not isinstance(self._left.get(key), list):
            return [self.take(key)] if key in self else []
        texts = self.take(key, list)
        if not texts or any(type(each) is not str for each in texts):
            self.refuse(key, "must be a text, or a list of texts")
        return [each for each in texts if type(each) is str]

    def take_pairs(self, key: str) -> Mapping[str, str]:
        """A table whose values are texts."""
        pairs = self.take(key, dict)
        if any(type(each) is not str for each in pairs.values()):
            self.refuse(key, "must have only texts as values")
        return {name: str(value) for name, value in pairs.items()}

    def take_table(self, key: str) -> "Table":
        return Table(self.take(key, dict), self.problems, key)

    def take_tables(self, key: str) -> Iterator["Table"]:
        """The tables of a list. Their names count from 1."""
        for number, values in enumerate(self.take(key, list), start=1):
            name = f"{key} {number}"
            if type(values) is not dict:
                self.refuse(name, "must be a table")
            else:
                yield Table(values, self.problems, name)

    def close(self) -> None:
        for key in self._left:
            self.refuse(key, "there is no such key here")
