"""Read variables, and report all missing and wrong ones at once. Knows none of them by name."""

from collections.abc import Mapping
from pathlib import Path

from timesheets_client.errors import ConfigurationError
from timesheets_client.local_files import is_closed_to_others, read_file
from timesheets_client.network.messages import find_fault

# Far more than a secret or a list of variables has.
MAX_BYTES = 1024 * 1024


class Variables:
    """Variables by name. An empty variable counts as not set.

    Only `seal` raises. Until then, a missing or wrong variable reads as empty.
    """

    def __init__(self, values: Mapping[str, str], meanings: Mapping[str, str]) -> None:
        self._values, self._meanings = values, meanings
        self._problems: list[str] = []

    def is_set(self, name: str) -> bool:
        return bool(self._values.get(name))

    def read_text(self, name: str, *, is_required: bool = True) -> str:
        if not self.is_set(name):
            return self.refuse(name, f"not set; it is {self._meanings[name]}") if is_required else ""
        return self._require_text(name, self._values[name])

    def read_address(self, name: str, *, is_required: bool = True) -> str:
        """The value of a variable, an address to which a secret may be sent."""
        url = self.read_text(name, is_required=is_required)
        fault = find_fault(url) if url else None
        return self.refuse(name, fault) if fault else url

    def read_choice(self, name: str, *choices: str) -> str:
        """One of the choices, by default the first."""
        value = self._values.get(name) or choices[0]
        if value in choices:
            return value
        return self.refuse(name, f"must be {', '.join(choices[:-1])} or {choices[-1]}")

    def read_secret(self, name: str) -> str:
        """The value of the variable, or the text of the file that NAME_FILE names; one is required."""
        file_name = f"{name}_FILE"
        if not self.is_set(file_name):
            return self.read_text(name)
        if self.is_set(name):
            return self.refuse(f"{name}, {file_name}", "both are set; unset one of them")
        return self._require_text(file_name, self.read_secret_file(file_name))

    def read_secret_file(self, name: str) -> str:
        """The text of the file that a required variable names, without its last newline."""
        path = self.read_text(name)
        if not path:
            return ""
        # A value without a slash may be the secret itself, set under the wrong name.
        shown = "its file" if path == Path(path).name else path
        try:
            text, is_private = read_text_file(path)
        except ConfigurationError as error:
            return self.refuse(name, f"{shown} {error}")
        if not is_private:
            return self.refuse(name, f"other users can read {shown}: chmod 600 {shown}")
        return text.rstrip("\r\n") or self.refuse(name, f"{shown} is empty")

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


def read_text_file(path: str) -> tuple[str, bool]:
    """The text, and whether the file is closed to other users. Follows links, as Kubernetes mounts a secret.

    Raises ConfigurationError with a text that follows the file's name.
    """
    try:
        content, status = read_file(Path(path), MAX_BYTES)
        # Editors on Windows write a byte order mark.
        return content.decode("utf-8-sig"), is_closed_to_others(status)
    except OSError as error:
        raise ConfigurationError(f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigurationError("is not UTF-8 text") from None
