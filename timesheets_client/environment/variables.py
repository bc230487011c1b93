"""Read variables, and report all missing and wrong ones at once. Knows none of them by name."""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from timesheets_client.errors import ConfigurationError
from timesheets_client.local_files import is_closed_to_others, read_file
from timesheets_client.network.addresses import find_fault

Choice = TypeVar("Choice", bound=StrEnum)
MAX_SECRET_BYTES = 16 * 1024


class Variables:
    """Variables by name. An empty variable counts as not set.

    Only `seal` raises. Until then, a missing or wrong variable reads as empty.
    """

    def __init__(self, values: Mapping[str, str], meanings: Mapping[str, str]) -> None:
        self._values, self._meanings = values, meanings
        self._problems: list[str] = []

    def is_set(self, name: str) -> bool:
        return bool(self._values.get(name))

    def read_raw(self, name: str) -> str:
        """The unchecked value; empty if the variable is not set."""
        return self._values.get(name, "")

    def read_text(self, name: str, *, is_required: bool = True) -> str:
        if not self.is_set(name):
            return self.refuse(name, f"not set; it is {self._meanings[name]}") if is_required else ""
        return self._require_text(name, self._values[name])

    def read_address(self, name: str, *, with_query: bool = True, is_required: bool = True) -> str:
        """The value of a variable, an address to which a secret may be sent."""
        url = self.read_text(name, is_required=is_required)
        fault = find_fault(url) if url else None
        if not fault and "?" in url and not with_query:
            fault = "must not contain a ?"
        return self.refuse(name, fault) if fault else url

    def read_choice(self, name: str, default: Choice) -> Choice:
        choices = type(default)
        try:
            return choices(self._values.get(name) or default)
        except ValueError:
            *others, last = choices
            self.refuse(name, f"must be {', '.join(others)} or {last}")
            return default

    def read_secret_file(self, name: str) -> str:
        """The text of the file that a required variable names."""
        if not self.is_set(name):
            return self.read_text(name)
        try:
            return read_secret_file(self._values[name])
        except ConfigurationError as error:
            return self.refuse(name, str(error))

    def read_secret(self, name: str) -> str:
        """The value of the variable, or the text of the file that NAME_FILE names; one is required."""
        file_name = f"{name}_FILE"
        if self.is_set(name) and self.is_set(file_name):
            return self.refuse(f"{name}, {file_name}", "both are set; unset one of them")
        if self.is_set(file_name):
            return self._require_text(file_name, self.read_secret_file(file_name))
        if not self.is_set(name):
            return self.refuse(name, f"not set; set it, or {file_name} to its file")
        return self.read_text(name)

    def refuse(self, name: str, problem: str) -> str:
        """Record a problem for `seal`. Returns an empty value, so that the caller can continue."""
        self._problems.append(f"{name}: {problem}")
        return ""

    def seal(self) -> None:
        """Raise ConfigurationError with a line for each problem, if there are any."""
        if self._problems:
            lines = ["The configuration is incomplete or wrong:", *self._problems]
            raise ConfigurationError("\n  ".join(lines))

    def _require_text(self, name: str, value: str) -> str:
        if value == value.strip() and value.isprintable():
            return value
        return self.refuse(name, "has white space around it or a control character in it; remove that")


def read_secret_file(path: str) -> str:
    """The text without its last newline. Follows links, as Kubernetes mounts a secret as a link.

    Raises ConfigurationError with a text that follows the variable's name.
    """
    # A value without a slash may be the secret itself, set under the wrong name.
    shown = "its file" if path == Path(path).name else path
    try:
        content, status = read_file(Path(path), MAX_SECRET_BYTES)
        # Editors on Windows write a byte order mark.
        secret = content.decode("utf-8-sig").rstrip("\r\n")
    except OSError as error:
        raise ConfigurationError(f"{shown} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{shown} is not UTF-8 text") from None
    if not is_closed_to_others(status):
        raise ConfigurationError(f"other users can read {shown}: chmod 600 {shown}")
    if not secret:
        raise ConfigurationError(f"{shown} is empty")
    return secret
