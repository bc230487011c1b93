import itertools

from timesheets_client.errors import ExitStatus, choose_status


def test_the_first_status_by_precedence_counts() -> None:
    assert list(map(int, ExitStatus)) == [1, 143, 130, 2, 78, 77, 75, 66, 65, 0]
    for first, second in itertools.combinations(ExitStatus, 2):
        assert choose_status([first, second]) == choose_status([second, first]) == first


def test_without_parts_the_status_is_0() -> None:
    assert choose_status([]) == ExitStatus.DONE
