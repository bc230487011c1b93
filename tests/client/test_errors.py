import itertools

import pytest

from timesheets_client.errors import MEANINGS, PRECEDENCE, ExitStatus, choose_status


def test_the_statuses_are_listed_in_order_of_precedence() -> None:
    assert [int(status) for status in PRECEDENCE] == [1, 143, 130, 2, 78, 77, 75, 66, 65, 0]


@pytest.mark.parametrize(("first", "second"), list(itertools.combinations(PRECEDENCE, 2)))
def test_the_order_of_the_parts_does_not_matter(first: ExitStatus, second: ExitStatus) -> None:
    assert choose_status([first, second]) == choose_status([second, first]) == first


def test_without_parts_the_status_is_0() -> None:
    assert choose_status([]) == ExitStatus.DONE


def test_each_status_has_a_meaning() -> None:
    assert set(MEANINGS) == set(ExitStatus) == set(PRECEDENCE)
