"""What a group of rewards can say, and the session from which nothing is corrected."""

import numpy as np
import pytest
from scipy import stats

from nexa_helpers.learning_speed import informative_share, sessions_until_stable


@pytest.mark.parametrize("size", [1, 2, 4, 8, 33])
def test_the_share_is_that_of_a_binomial_count_strictly_between(size):
    rates = np.linspace(0, 1, 21)
    count = stats.binom(size, rates)
    assert informative_share(rates, size) == pytest.approx(count.cdf(size - 1) - count.cdf(0))


def test_by_hand_two_coins():
    assert informative_share(0.5, 2) == 0.5
    assert informative_share(0.005, 8) == pytest.approx(1 - 0.995**8 - 0.005**8)


def test_a_group_of_one_and_a_sure_thing_teach_nothing():
    assert informative_share(0.3, 1) == 0
    assert list(informative_share([0.0, 1.0], 8)) == [0, 0]


def test_arrays_of_both_go_together():
    shares = informative_share(np.array([[0.1], [0.5]]), np.array([2, 4, 8]))
    assert shares.shape == (2, 3)
    assert shares[1, 0] == 0.5


@pytest.mark.parametrize("rate", [-0.1, 1.1, float("nan"), [0.5, 2.0]])
def test_a_rate_that_is_none_is_an_error(rate):
    with pytest.raises(ValueError, match="success_rate: expected numbers from 0 to 1"):
        informative_share(rate, 8)


def test_a_group_of_nobody_is_an_error():
    with pytest.raises(ValueError, match="group_size: expected 1 or more, got 0"):
        informative_share(0.5, 0)


@pytest.mark.parametrize(
    ("corrected", "window", "expected"),
    [
        ([1, 1, 0, 0, 0], 3, 3),
        ([0, 0, 0], 3, 1),
        ([0, 0, 1, 0, 0, 0, 1, 0, 0, 0], 3, 4),
        ([1, 0, 0], 3, None),
        ([1, 0, 1, 0], 1, 2),
        ([0, 0, 1, 0, 0], 2, 1),
        ([1, 1], 1, None),
        ([], 3, None),
    ],
)
def test_the_first_of_some_quiet_sessions_in_a_row(corrected, window, expected):
    assert sessions_until_stable([bool(c) for c in corrected], window) == expected
    assert sessions_until_stable(np.array(corrected, dtype=bool), window) == expected


def test_three_is_the_default():
    assert sessions_until_stable([True, False, False]) is None
    assert sessions_until_stable([True, False, False, False]) == 2


def test_no_window_is_an_error():
    with pytest.raises(ValueError, match="window: expected 1 or more, got 0"):
        sessions_until_stable([False], 0)
