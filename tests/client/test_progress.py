import io

from timesheets_client.output.streams import ProgressBar, ResilientStream


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_bar_shows_entries_with_an_estimate_of_the_total_and_prints_lines_above() -> None:
    terminal = Terminal()
    bar = ProgressBar(ResilientStream(terminal))

    with bar.follow("week23.csv"):
        # A quarter of the file has been read.
        bar.advance(1_000, 0.25)
        assert bar.write("week23.csv:17: hours: wrong")

    shown = terminal.getvalue()
    assert "week23.csv: 0 entries" in shown
    assert "week23.csv:17: hours: wrong\n" in shown
    assert "1000/4000" in shown


def test_after_the_end_of_its_file_a_bar_shows_nothing() -> None:
    bar = ProgressBar(ResilientStream(Terminal()))

    with bar.follow("week23.csv"):
        pass

    assert not bar.write("done")
