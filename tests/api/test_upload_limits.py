"""The encodings, media types and sizes of an upload."""

import gzip

import pytest

from tests.api.conftest import Upload, UploadMany, make_entry, read_statuses, status_and_code, upload_lines
from tests.api.formats import ARRAY, Format, every_format
from tests.kit.django_client import ClientResponse
from timesheets.models import Timesheet

EIGHT_MEBIBYTES = 8 * 1024 * 1024
SIXTEEN_MEBIBYTES = 16 * 1024 * 1024
LIMITS = {"entries": 10_000, "bytes": EIGHT_MEBIBYTES, "unzipped_bytes": SIXTEEN_MEBIBYTES}


# Encodings


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "GZip", " gzip "])
@every_format
def test_a_batch_may_be_zipped(upload: Upload, batch_format: Format, encoding: str) -> None:
    body = gzip.compress(batch_format.write([make_entry(), make_entry()]))

    response = upload(body, content_type=batch_format.media_type, headers={"Content-Encoding": encoding})

    assert read_statuses(response) == [201, 201]


@pytest.mark.parametrize("encoding", ["identity", "Identity", ""])
def test_identity_means_no_encoding(upload_many: UploadMany, encoding: str) -> None:
    assert read_statuses(upload_many([make_entry()], headers={"Content-Encoding": encoding})) == [201]


@pytest.mark.parametrize(
    "encoding", ["br", "deflate", "zstd", "compress", "gzip, gzip", "identity, gzip", "gzip;q=1", "*"]
)
def test_another_encoding_is_refused(upload_many: UploadMany, encoding: str) -> None:
    response = upload_many([make_entry()], headers={"Content-Encoding": encoding})

    assert status_and_code(response) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    ("charset", "is_utf_8"),
    [
        *((charset, True) for charset in ("utf-8", "UTF-8", '"utf-8"')),
        *((charset, False) for charset in ("latin-1", "utf-16", "us-ascii", "utf-8-sig", "nonsense", '""')),
    ],
)
@every_format
def test_the_charset_may_be_named_if_it_is_utf_8(
    upload_many: UploadMany, batch_format: Format, charset: str, is_utf_8: bool
) -> None:
    media_type = f"{batch_format.media_type}; charset={charset}"

    response = upload_many([make_entry()], batch_format, CONTENT_TYPE=media_type)

    assert response.status_code == (207 if is_utf_8 else 415)
    assert Timesheet.objects.count() == is_utf_8


@pytest.mark.parametrize("media_type", ["text/plain", "application/json-seq", "text/x-csv", "application/*"])
def test_other_media_types_are_not_supported(upload: Upload, media_type: str) -> None:
    assert status_and_code(upload([make_entry()], content_type=media_type)) == (415, "unsupported_media_type")


# Limits


def assert_too_large(response: ClientResponse) -> None:
    assert status_and_code(response) == (413, "too_large")
    assert response.json()["limits"] == LIMITS
    assert not Timesheet.objects.exists()


@pytest.mark.slow
@every_format
@pytest.mark.parametrize("mark", [",", "[", "{", '",', "\\,", '\\",'])
def test_separators_inside_strings_do_not_count_as_values(
    upload_many: UploadMany, batch_format: Format, mark: str
) -> None:
    # Up to 960,000 separators are in strings, and 25,000 are outside. The limit is 640,000.
    text = (mark * 128)[:128]
    entries = [make_entry(user_id=text[:64], project=text)] * 5_000

    response = upload_many(entries, batch_format, "?dry_run=true", headers={"Prefer": "return=minimal"})

    assert (response.status_code, response.json()["created"]) == (200, 5_000)


def test_ten_thousand_entries_are_stored(upload_many: UploadMany) -> None:
    response = upload_many([make_entry()] * 10_000, headers={"Prefer": "return=minimal"})

    assert response.json()["created"] == Timesheet.objects.count() == 10_000


@every_format
def test_over_ten_thousand_is_too_large(upload_many: UploadMany, batch_format: Format) -> None:
    assert_too_large(upload_many([make_entry()] * 10_001, batch_format))


def test_malformed_entries_count_towards_the_limit(upload: Upload) -> None:
    assert status_and_code(upload_lines(upload, b"{\n" * 10_001)) == (413, "too_large")


def test_eight_mebibytes_and_sixteen_unzipped_are_accepted(upload: Upload) -> None:
    body = ARRAY.write([make_entry()])
    zipped = gzip.compress(body.ljust(SIXTEEN_MEBIBYTES), 1)

    assert read_statuses(upload(body.ljust(EIGHT_MEBIBYTES))) == [201]
    assert read_statuses(upload(zipped, headers={"Content-Encoding": "gzip"})) == [201]


@every_format
def test_more_than_eight_mebibytes_are_too_large(upload: Upload, batch_format: Format) -> None:
    body = batch_format.write([make_entry()]).ljust(EIGHT_MEBIBYTES + 1)

    assert_too_large(upload(body, content_type=batch_format.media_type))


@every_format
@pytest.mark.parametrize("cut_at", [pytest.param(None, id="one-member"), pytest.param(100, id="two-members")])
def test_more_than_sixteen_mebibytes_unzipped_are_too_large(
    upload: Upload, batch_format: Format, cut_at: int | None
) -> None:
    body = batch_format.write([make_entry()]).ljust(SIXTEEN_MEBIBYTES + 1)
    parts = [body] if cut_at is None else [body[:cut_at], body[cut_at:]]
    zipped = b"".join(gzip.compress(part, 1) for part in parts)

    assert_too_large(
        upload(zipped, content_type=batch_format.media_type, headers={"Content-Encoding": "gzip"})
    )
