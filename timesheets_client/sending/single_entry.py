"""Upload one entry as an object, with an idempotency key."""

from collections.abc import Mapping
from http import HTTPStatus

from timesheets_client.errors import EntriesRejected
from timesheets_client.network.messages import Message
from timesheets_client.sending.client import ApiClient, explain_unexpected_answer, is_dry_run
from timesheets_client.sending.verdicts import read_errors

TUTORIAL_ENTRY: Mapping[str, object] = {
    "user_id": "007",
    "date": "2017-05-10T17:40:20.095Z",
    "project": "StoreZero",
    "hours": 5,
}


def upload_entry(client: ApiClient, entry: Mapping[str, object], idempotency_key: str) -> str:
    """The API's message for an entry that is created or already exists. Raises an UploadError."""
    headers = {"Idempotency-Key": idempotency_key}
    answer = client.upload(Message(url=client.upload_url, json=entry, headers=headers))
    message = answer.quote("message")
    if answer.status in (HTTPStatus.OK, HTTPStatus.CREATED) and message and not is_dry_run(answer):
        return message
    if answer.status < HTTPStatus.BAD_REQUEST or not answer.quote("detail"):
        raise explain_unexpected_answer(answer, client.upload_url)
    errors = read_errors((answer.document or {}).get("errors"), answer.secrets)
    listed = [f"{name}: {' '.join(texts)}" for name, texts in errors]
    raise EntriesRejected("; ".join([f"entry rejected: {answer.summarize('code', 'detail')}", *listed]))
