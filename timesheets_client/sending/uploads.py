"""Upload one entry as an object, or a batch of entries, in halves if it is too large."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from timesheets_client.errors import AnswerLost, ConfigurationError, EntriesRejected, WrongUsage
from timesheets_client.network.messages import Answer, Message
from timesheets_client.sending.batches import CONTENT_HEADERS, Batch
from timesheets_client.sending.client import LABEL, ApiClient, explain_unexpected_answer
from timesheets_client.sending.verdicts import EntryVerdict, Verdicts, read_errors, read_verdicts
from timesheets_files.members import WHOLE_ENTRY

# Other characters than the API takes, and letters with marks of their own.
NOT_IN_LABEL = re.compile(r".[\u0300-\u036f]+|[^A-Za-z0-9._:-]")
MAX_LABEL_LENGTH = 128
TUTORIAL_ENTRY: Mapping[str, object] = {
    "user_id": "007",
    "date": "2017-05-10T17:40:20.095Z",
    "project": "StoreZero",
    "hours": 5,
}


@dataclass(frozen=True, kw_only=True)
class UploadMode:
    """The options of an upload. `lists_all` asks for a verdict on each entry, not only on rejected ones.

    `label` names the API's receipts for the batches of one file. With a `reason`, the entries say what is
    current, and the API corrects those that differ.
    """

    is_atomic: bool = False
    is_dry_run: bool = False
    lists_all: bool = False
    label: str = ""
    reason: str = ""

    @property
    def parameters(self) -> Mapping[str, str]:
        chosen = {"atomic": self.is_atomic, "dry_run": self.is_dry_run, "correct": self.reason}
        texts = {name: "true" if value else "" for name, value in chosen.items()}
        texts |= {LABEL: self.label, "reason": self.reason}
        return {name: text for name, text in texts.items() if text}


def make_label(file: str) -> str:
    """The name of the file, in the characters that the API accepts."""
    # Programs on macOS write a letter and its marks as several characters.
    name = unicodedata.normalize("NFC", Path(file).name)
    return NOT_IN_LABEL.sub("-", name)[:MAX_LABEL_LENGTH]


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


def is_dry_run(answer: Answer) -> bool:
    """Whether the API says that it stored nothing."""
    return (answer.document or {}).get("dry_run") is True


def upload_batch(client: ApiClient, batch: Batch, mode: UploadMode) -> Verdicts:
    """The verdicts on the entries. Raises an UploadError."""
    headers = CONTENT_HEADERS if mode.lists_all else {**CONTENT_HEADERS, "Prefer": "return=minimal"}
    message = Message(url=client.upload_url, parameters=mode.parameters, headers=headers, data=batch.encode())
    try:
        answer = client.upload(message, is_repeatable=mode.is_dry_run or batch.has_ids)
    except AnswerLost as error:
        first, last = batch.entries[0].source, batch.entries[-1].source
        raise AnswerLost(
            f"{first} to {last}: the response was lost, so it is unknown whether these {len(batch)} entries "
            f"are stored, and without ids they cannot be sent again: {error}; look them up before that"
        ) from None
    if answer.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return upload_in_halves(client, batch, mode, answer)
    verdicts = read_verdicts(answer, batch, is_complete=mode.lists_all)
    if mode.reason and answer.quote("code") == "invalid_parameter":
        summary = answer.summarize("code", "detail")
        raise ConfigurationError(
            f"{client.upload_url}: this API is too old for corrections, and nothing was stored: {summary}"
        )
    if verdicts is None or not matches_mode(answer, verdicts, mode):
        raise explain_unexpected_answer(answer, client.upload_url)
    return verdicts


def matches_mode(answer: Answer, verdicts: Verdicts, mode: UploadMode) -> bool:
    """Whether the answer is one to an upload in this mode."""
    if answer.status == HTTPStatus.UNPROCESSABLE_ENTITY:
        return mode.is_atomic and not verdicts.created and bool(verdicts.rejected)
    corrections = [each for each in verdicts.listed if each.revision is not None]
    is_whole = not (mode.is_atomic and verdicts.rejected)
    # Only a dry run says what it would correct.
    told = corrections if mode.is_dry_run else []
    is_told = [each for each in verdicts.listed if each.was is not None] == told
    status = HTTPStatus.OK if mode.is_dry_run else HTTPStatus.MULTI_STATUS
    is_asked = (answer.status, is_dry_run(answer)) == (status, mode.is_dry_run)
    return is_asked and is_whole and is_told and (bool(mode.reason) or not corrections)


def upload_in_halves(client: ApiClient, batch: Batch, mode: UploadMode, answer: Answer) -> Verdicts:
    summary = answer.summarize("code", "detail")
    if mode.is_atomic:
        raise WrongUsage(f"--strict: too large for one request: {summary}; omit --strict, or split the file")
    if len(batch) <= 1:
        [entry] = batch.entries
        errors = {WHOLE_ENTRY: [f"This entry is too large for the API: {summary}."]}
        return Verdicts(listed=[EntryVerdict(entry=entry, status=answer.status, errors=errors)])
    first, second = batch.halve()
    return upload_batch(client, first, mode).add(upload_batch(client, second, mode))
