import pytest

from timesheets_client.output.report import format_table


@pytest.mark.parametrize(
    ("text", "padding"),
    [pytest.param("日本語", " ", id="wide"), pytest.param("a\u0301bcde", "  ", id="combining")],
)
def test_columns_are_aligned_behind_other_scripts(text: str, padding: str) -> None:
    _, line = format_table([{"project": text, "hours": "1"}])

    assert line == f"  {text}{padding}  1"


def test_a_long_cell_is_cut_and_on_the_right_its_beginning() -> None:
    row = {"project": "x" * 100, "first": f"{'/folder' * 20}/week23.csv:17"}

    _, line = format_table([row], right=["first"])

    assert line == f"  {'x' * 25}...  ...lder/folder/week23.csv:17"
