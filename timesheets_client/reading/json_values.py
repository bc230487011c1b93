"""Write JSON without changing a digit, so that numbers are sent as they were read."""

import json
from decimal import Decimal
from json.encoder import encode_basestring_ascii

from timesheets_files.strict_json import REPEATED, HugeNumber


def encode_value(value: object) -> str:
    """JSON in ASCII, on one line."""
    if isinstance(value, str):
        return encode_basestring_ascii(value)
    if isinstance(value, Decimal):
        return value.digits if isinstance(value, HugeNumber) else str(value)
    if isinstance(value, dict):
        pairs = [f"{encode_basestring_ascii(name)}: {encode_value(each)}" for name, each in value.items()]
        return f"{{{', '.join(pairs)}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(encode_value, value))}]"
    # The API refuses null like the object that it is in.
    return json.dumps(None if value is REPEATED else value)
