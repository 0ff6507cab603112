"""The paired comparison: statsmodels' McNemar test, an interval by hand, and its coverage."""

import itertools
import math

import numpy as np
import pytest
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.weightstats import DescrStatsW

from nexa_helpers.paired_comparison import paired_comparison


def pairs(both, lost, gained, neither):
    before = [True] * both + [True] * lost + [False] * gained + [False] * neither
    after = [True] * both + [False] * lost + [True] * gained + [False] * neither
    return before, after


@pytest.mark.parametrize("counts", [(3, 1, 9, 4), (0, 0, 12, 0), (5, 6, 2, 40), (9, 0, 1, 0)])
def test_the_p_value_is_that_of_statsmodels(counts):
    both, lost, gained, neither = counts
    expected = mcnemar([[both, lost], [gained, neither]], exact=True).pvalue
    found = paired_comparison(*pairs(*counts))
    assert found["p_value"] == pytest.approx(expected, abs=1e-12)
    assert (found["gained"], found["lost"]) == (gained, lost)
    assert found["difference"] == pytest.approx((gained - lost) / sum(counts))


@pytest.mark.parametrize("counts", [(3, 1, 9, 4), (5, 6, 2, 40), (7, 0, 0, 9)])
def test_the_interval_is_statsmodels_with_half_a_request_more_in_each_cell(counts):
    both, lost, gained, neither = (count + 0.5 for count in counts)
    weighted = DescrStatsW([0, -1, 1], weights=[both + neither, lost, gained])
    margin = 1.959963985 * math.sqrt(weighted.var / weighted.sum_weights)
    found = paired_comparison(*pairs(*counts))
    assert found["low"] == pytest.approx(weighted.mean - margin, abs=1e-8)
    assert found["high"] == pytest.approx(weighted.mean + margin, abs=1e-8)


def test_by_hand():
    """64 requests, 20 gained, 4 lost: d = 16 / 66, and 25 / 66 changed."""
    found = paired_comparison(*pairs(10, 4, 20, 30))
    assert found["difference"] == 0.25
    assert found["low"] == pytest.approx(
        16 / 66 - 1.959964 * math.sqrt(25 / 66 - (16 / 66) ** 2) / math.sqrt(66)
    )
    assert found["p_value"] == pytest.approx(0.001544, abs=1e-6)


def test_no_change_still_has_an_interval():
    found = paired_comparison([True] * 20, [True] * 20)
    assert (found["difference"], found["p_value"]) == (0.0, 1.0)
    assert found["low"] < 0 < found["high"]


def test_the_interval_stays_within_one():
    found = paired_comparison([False] * 3, [True] * 3)
    assert found["high"] == 1.0
    assert paired_comparison([True] * 3, [False] * 3)["low"] == -1.0


def test_the_interval_covers_the_truth():
    """Exactly, over all outcomes of 24 requests: the plain Wald interval does not."""
    n, gain, lose = 24, 0.12, 0.03
    covered = plain = 0.0
    for gained, lost in itertools.product(range(n + 1), repeat=2):
        if gained + lost > n:
            continue
        rest = n - gained - lost
        ways = (
            math.factorial(n) / math.factorial(gained) / math.factorial(lost) / math.factorial(rest)
        )
        chance = ways * gain**gained * lose**lost * (1 - gain - lose) ** rest
        found = paired_comparison(*pairs(0, lost, gained, rest))
        covered += chance * (found["low"] <= gain - lose <= found["high"])
        d, changed = (gained - lost) / n, (gained + lost) / n
        plain += chance * (abs(d - (gain - lose)) <= 1.96 * math.sqrt((changed - d * d) / n))
    assert covered > 0.94 > plain


def test_numpy_arrays_and_wrong_lengths():
    found = paired_comparison(np.array([0, 1]), np.array([1, 1]))
    assert found["gained"] == 1
    for wrong in (([], []), ([True], [True, False])):
        with pytest.raises(ValueError, match="expected as many after as before"):
            paired_comparison(*wrong)
