"""Upload one entry as an object, under a key that lets it be sent twice and stored once."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from timesheets_client.errors import EntriesRejected, UploadError
from timesheets_client.network.messages import Answer, json_content, make_printable
from timesheets_client.sending.client import ApiClient, UploadRequest, explain_unexpected_answer

TUTORIAL_ENTRY: Mapping[str, object] = {
    "user_id": "007",
    "date": "2017-05-10T17:40:20.095Z",
    "project": "StoreZero",
    "hours": 5,
}


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What the API says about an entry that it has."""

    message: str


def upload_entry(client: ApiClient, entry: Mapping[str, object], idempotency_key: str) -> Receipt:
    """The API's receipt for the entry, new or there already. Raises an UploadError where there is none."""
    request = UploadRequest(content=json_content(entry), headers={"Idempotency-Key": idempotency_key})
    answer = client.upload(request)
    receipt = answer.quote("message")
    if answer.status in (HTTPStatus.OK, HTTPStatus.CREATED) and receipt and not answer.is_dry_run:
        return Receipt(message=receipt)
    raise explain_rejection(answer, client.upload_url)


def explain_rejection(answer: Answer, url: str) -> UploadError:
    if answer.status >= HTTPStatus.BAD_REQUEST and answer.quote("detail"):
        rejected = f"entry rejected: {answer.summarize('code', 'detail')}"
        return EntriesRejected("; ".join([rejected, *list_errors(answer)]))
    return explain_unexpected_answer(answer, url)


def list_errors(answer: Answer) -> Iterator[str]:
    errors = (answer.document or {}).get("errors")
    for name, faults in errors.items() if isinstance(errors, dict) else ():
        texts = faults if isinstance(faults, list) else [faults]
        yield make_printable(f"{name}: {' '.join(str(text) for text in texts)}", *answer.secrets)
