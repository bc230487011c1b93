import pytest

from timesheets_client.output.report import format_table


def test_columns_are_aligned() -> None:
    rows = [{"user_id": "007", "hours": "10"}, {"user_id": "1", "hours": "7.25"}]

    assert format_table(rows, right=["hours"]) == [
        "  user_id  hours",
        "  007         10",
        "  1         7.25",
    ]


@pytest.mark.parametrize(
    ("text", "padding"),
    [pytest.param("日本語", " ", id="wide"), pytest.param("a\u0301bcde", "  ", id="combining")],
)
def test_columns_are_aligned_behind_other_scripts(text: str, padding: str) -> None:
    _, line = format_table([{"project": text, "hours": "1"}])

    assert line == f"  {text}{padding}  1"


def test_a_missing_cell_is_empty() -> None:
    assert format_table([{"a": "1"}, {"b": "2"}]) == ["  a  b", "  1", "     2"]


def test_a_long_cell_is_cut_and_on_the_right_its_beginning() -> None:
    row = {"project": "x" * 100, "first": f"{'/folder' * 20}/week23.csv:17"}

    _, line = format_table([row], right=["first"])

    assert line == f"  {'x' * 25}...  ...lder/folder/week23.csv:17"


def test_control_characters_are_escaped() -> None:
    _, line = format_table([{"project": "a\x1b[31m\u202eb"}])

    assert line == r"  a\x1b[31m\u202eb"
