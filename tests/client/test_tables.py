from timesheets_client.output.report import format_table


def test_a_long_cell_is_cut_and_on_the_right_its_beginning() -> None:
    row = {"project": "x" * 100, "first": f"{'/folder' * 20}/week23.csv:17"}

    _, line = format_table([row], right=["first"])

    assert line == f"  {'x' * 25}...  ...lder/folder/week23.csv:17"
