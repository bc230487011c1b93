"""Read the variables of an .env file, which may contain the client secret."""

import io
from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values

from timesheets_client.environment.private_files import MAX_SECRET_BYTES, read_file
from timesheets_client.errors import ConfigurationError
from timesheets_client.local_files import is_closed_to_others
from timesheets_client.printable import escape

SECRET = "AUTH0_CLIENT_SECRET"  # noqa: S105  The name of a variable.


def read_env_file(path: str) -> Mapping[str, str]:
    """The variables of the file. Raises ConfigurationError, also if others can read its secret."""
    shown = escape(path)
    try:
        content, status = read_file(Path(path), MAX_SECRET_BYTES + 1)
        text = content.decode()
    except OSError as error:
        raise ConfigurationError(f"--env-file: {shown} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"--env-file: {shown} is not UTF-8 text") from None
    if len(content) > MAX_SECRET_BYTES:
        raise ConfigurationError(f"--env-file: {shown} is larger than {MAX_SECRET_BYTES} bytes")
    variables = dotenv_values(stream=io.StringIO(text), interpolate=False)
    if variables.get(SECRET) and not is_closed_to_others(status):
        raise ConfigurationError(
            f"--env-file: {shown} contains {SECRET}, and other users can read it: chmod 600 {shown}"
        )
    return {name: value for name, value in variables.items() if value}
