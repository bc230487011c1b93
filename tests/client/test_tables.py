import pytest

from timesheets_client.output.tables import format_table


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


def test_the_widest_column_is_cut() -> None:
    _, line = format_table([{"short": "007", "long": "x" * 100, "end": "y"}])

    assert line == f"  007    {'x' * 63}...  y"


def test_a_column_on_the_right_is_cut_on_the_left() -> None:
    _, line = format_table([{"first": f"{'/folder' * 20}/week23.csv:17"}], right=["first"])

    assert line.startswith("  ...older/folder/")
    assert line.endswith("/week23.csv:17")
    assert len(line) == 80


def test_the_column_to_cut_first_is_cut_before_a_wider_one() -> None:
    _, line = format_table([{"entry_id": "i" * 20, "project": "p" * 60}], cut_first=["entry_id"])

    assert line == f"  {'i' * 13}...  {'p' * 60}"


def test_no_other_column_is_cut_while_those_to_cut_first_are_wide() -> None:
    row = {"user_id": "u" * 40, "date": "2026-01-21T11:00:00+01:00", "project": "p" * 60, "hours": "7.50"}

    _, line = format_table([row], cut_first=["user_id", "project"])

    assert len(line) <= 80
    assert "  2026-01-21T11:00:00+01:00  " in line
    assert line.endswith("  7.50")


def test_control_characters_are_escaped() -> None:
    _, line = format_table([{"project": "a\x1b[31m\u202eb"}])

    assert line == r"  a\x1b[31m\u202eb"
