import io

from timesheets_client.output.progress import ProgressBar
from timesheets_client.output.streams import ResilientStream


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_bar_tells_entries_and_rate() -> None:
    terminal = Terminal()
    bar = ProgressBar(ResilientStream(terminal))

    with bar.follow("week23.csv"):
        bar.advance(1_000, 0.25)
        assert bar.write("week23.csv:17: hours: wrong")

    shown = terminal.getvalue()
    assert "week23.csv: 0 entries" in shown
    assert "week23.csv:17: hours: wrong\n" in shown


def test_the_whole_is_estimated_by_the_share_that_was_read() -> None:
    terminal = Terminal()
    bar = ProgressBar(ResilientStream(terminal))

    with bar.follow("week23.csv"):
        bar.advance(1_000, 0.25)
        bar.write("so that it is drawn again")

    assert "1000/4000" in terminal.getvalue()


def test_without_a_terminal_nothing_is_shown_and_lines_go_elsewhere() -> None:
    progress = ProgressBar()

    with progress.follow("week23.csv"):
        progress.advance(1_000, 0.25)
        assert not progress.write("week23.csv:17: hours: wrong")


def test_after_its_file_a_bar_shows_nothing() -> None:
    bar = ProgressBar(ResilientStream(Terminal()))

    with bar.follow("week23.csv"):
        pass

    assert not bar.write("done")
