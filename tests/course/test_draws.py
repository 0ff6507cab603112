"""Draws of a cache, their interval, and what developers still complain about."""

import random
import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
from scipy import stats

from benchmarks.injection import corrections_until_stable, opposite_of, write_note
from benchmarks.real_text import detectable_share, effective_trials
from nexa_helpers import error_analysis, live_evaluation
from nexa_helpers.developers import ADA, write_preferences
from nexa_helpers.error_analysis import plot_complaints, remaining_complaints
from nexa_helpers.evaluation import share_of
from nexa_helpers.live_evaluation import (
    answer_requests,
    count_slips,
    draw_caches,
    satisfaction_over_caches,
    share_over_draws,
)
from nexa_helpers.prompt_injection import PromptInjectionBaseline
from nexa_helpers.tasks import STYLES, TASKS, comply, write_response


def style_of(*wishes):
    style = STYLES[0]
    for wish in wishes:
        style = comply(style, wish)
    return style


@pytest.fixture
def caches():
    """Two caches: one holds Ada's wish for a test, the other is empty."""
    full, empty = PromptInjectionBaseline(), PromptInjectionBaseline()
    full.add_correction("Add a test.")
    return [full, empty]


@pytest.fixture
def sampled(monkeypatch):
    """A policy that meets Ada's wishes where notes stand in front; keeps its contexts."""
    kept = []

    def sample(policy, contexts, tokenizer, **options):
        kept.extend(contexts)
        return [{"response": "notes" if len(context) == 2 else ""} for context in contexts]

    monkeypatch.setattr(live_evaluation, "sample_responses", sample)
    monkeypatch.setattr(
        type(ADA), "complaint", lambda self, task, text: None if text == "notes" else "content"
    )
    return kept


def test_each_cache_serves_its_own_part_of_the_requests(sampled, caches):
    happy = satisfaction_over_caches(None, ADA, None, caches, 3)
    assert happy.tolist() == [[True] * 3, [False] * 3]
    assert [len(context) for context in sampled] == [2, 2, 2, 1, 1, 1]
    assert sampled[0][0]["content"] == write_preferences(["Add a test."])
    tasks, responses = answer_requests(None, ADA, None, 4)
    assert responses == [""] * 4
    assert all(task in TASKS["test"] for task in tasks)


def test_a_cache_learns_from_its_own_sessions_alone(monkeypatch):
    def rollouts(policy, developer, tokenizer, num_sessions, turns_per_session, **options):
        assert options["group_size"] == 1
        return [
            {"session": n, "response": "", "feedback": None if n == 3 else f"No, {n}."}
            for _ in range(turns_per_session)
            for n in range(num_sessions)
        ]

    monkeypatch.setattr(live_evaluation, "collect_rollouts", rollouts)
    drawn = draw_caches(None, ADA, None, num_caches=2, num_sessions=2, turns_per_session=2)
    assert [list(cache.correction_cache) for cache in drawn] == [
        ["No, 0.", "No, 1."] * 2,
        ["No, 2."] * 2,
    ]


def test_the_interval_of_two_draws_is_that_of_all_four_resamples():
    # Draws of share 0 and 1: resamples have the means 0, .5, .5, 1 with equal chance, so the
    # 2.5 % and 97.5 % points are 0 and 1.
    happy = np.array([[False] * 5, [True] * 5])
    assert share_over_draws(happy) == (0.5, 0.0, 1.0)


def test_the_interval_is_scipys_over_whole_draws_and_never_narrower_than_wilsons():
    happy = np.random.default_rng(3).random((20, 10)) < np.linspace(0, 1, 20)[:, None]
    found = share_over_draws(happy, seed=5)
    expected = stats.bootstrap(
        (happy.mean(axis=1),), np.mean, n_resamples=4000, method="percentile",
        rng=np.random.default_rng(5),
    ).confidence_interval  # fmt: skip
    assert (found.low, found.high) == pytest.approx(tuple(expected))
    counted = share_of(int(happy.sum()), happy.size)
    assert found.high - found.low > 2 * (counted.high - counted.low)
    assert share_over_draws(np.ones((20, 10), bool)) == share_of(200, 200)


def test_the_interval_covers_what_a_count_of_requests_misses():
    """Draws differ (beta-binomial, mean .5); 95 % of the intervals should hold .5."""
    rng = np.random.default_rng(0)
    covered = np.zeros(2)
    for _ in range(60):
        happy = rng.random((20, 10)) < rng.beta(0.5, 0.5, 20)[:, None]
        found, counted = share_over_draws(happy), share_of(int(happy.sum()), 200)
        covered += [low <= 0.5 <= high for _, low, high in (found, counted)]
    assert covered[0] >= 0.85 * 60
    assert covered[1] <= 0.75 * 60


@pytest.mark.parametrize("shape", [(1, 9), (3, 0), (4,)])
def test_an_interval_needs_draws_and_requests(shape):
    with pytest.raises(ValueError, match=r"happy: expected \(draws, requests\)"):
        share_over_draws(np.zeros(shape, bool))


def test_complaints_are_counted_by_the_first_thing_that_is_wrong():
    task = TASKS["test"][0]
    wishes = list(ADA.wishes.values())
    good = style_of(*wishes)
    responses = ["not code"] + [write_response(task, comply(good, opposite_of(w))) for w in wishes]
    responses += [write_response(task, good)] * 2
    counts = remaining_complaints(ADA, [task] * 6, responses)
    assert counts == {"content": 1, "python": 1, "typed": 1, "tested": 1, "none": 2}
    counts = remaining_complaints(ADA, [task] * 6, responses, lambda task, parsed: set())
    assert counts["false test"] == 0
    assert sum(counts.values()) == 6


def test_a_complaint_about_something_false_counts_as_that_slip(monkeypatch):
    task = TASKS["test"][0]
    text = write_response(task, style_of(*ADA.wishes.values()))
    kinds = iter(["tested", "python", "content", None])
    monkeypatch.setattr(type(ADA), "complaint", lambda self, task, text: next(kinds))
    counts = remaining_complaints(ADA, [task] * 4, [text] * 4, lambda task, parsed: {"tests"})
    assert {kind: count for kind, count in counts.items() if count} == {
        "false test": 2, "python": 1, "none": 1,
    }  # fmt: skip
    assert set(error_analysis.SLIP_NAMES.values()) < counts.keys()


def test_the_plot_shows_shares_of_each_contestant():
    counts = {
        ("Ada", "prompt injection"): {"content": 1, "typed": 3, "none": 6},
        ("Ada", "personal policy"): {"content": 1, "typed": 0, "none": 4},
    }
    figure = plot_complaints(counts)
    (axis,) = figure.axes
    assert [bar.get_height() for bar in axis.patches] == pytest.approx([0.1, 0.3, 0.2, 0.0])
    assert [label.get_text() for label in axis.get_xticklabels()] == ["content", "typed"]
    plt.close(figure)


def test_corrections_until_stable_counts_what_came_before_three_good_sessions():
    first = np.array([[1, 0, 0, 0, 1], [1, 1, 0, 1, 1], [0, 0, 0, 0, 0]], dtype=bool).T
    corrected = np.stack([first, np.zeros_like(first)], axis=1)  # (5 sessions, 2 turns, 3 copies)
    corrected[0, 1, 0] = True
    given, is_stable = corrections_until_stable(corrected)
    assert given.tolist() == [2, 4, 0]
    assert is_stable.tolist() == [True, False, True]


def test_a_note_names_its_wish_in_words_of_its_split():
    for split in ("train", "test"):
        assert write_note(random.Random(1), "tested", split)
    known, new = (
        {write_note(random.Random(n), "tested", s) for n in range(40)} for s in ("train", "test")
    )
    assert not known & new


def test_the_detectable_share_is_that_of_cohens_effect_size_by_hand():
    # h = (1.95996 + 0.84162) / sqrt(100) = .28016; sin(pi/4 + h/2)^2 = .5 + sin(h) / 2 = .63825
    assert detectable_share(100) == pytest.approx(0.63825, abs=1e-4)
    assert detectable_share(200, num_other=200) == pytest.approx(0.63825, abs=1e-4)
    assert effective_trials(50, 50) == 100
    # var of the mean of two shares near .5: (.25/30 + .25/60) / 4
    assert 0.25 / effective_trials(30, 60) == pytest.approx((0.25 / 30 + 0.25 / 60) / 4)


def test_slips_are_counted_among_the_responses_that_have_such_a_part(monkeypatch):
    tasks = [TASKS["test"][number] for number in (0, 5, 9, 12)]
    right = style_of("tested", "documented", "explained")
    plain = style_of("untested", "undocumented", "brief")

    def sample(policy, contexts, tokenizer, **options):
        first, second, third, _ = tasks
        texts = [
            write_response(first, right),
            re.sub(r"== .*", "== 'nonsense'", write_response(second, right)),
            write_response(third, plain),
            "No code, but a test that is false: assert f(1) == 2",
        ]
        return [{"response": text} for text in texts]

    monkeypatch.setattr(live_evaluation, "sample_responses", sample)
    drawn = iter(tasks)
    monkeypatch.setattr(random.Random, "choice", lambda self, _: next(drawn))
    monkeypatch.setattr(type(ADA), "ask", lambda self, rng, task: "?")
    assert count_slips(None, ADA, None, 4) == {
        "false test": (1, 2),
        "foreign docstring": (0, 2),
        "foreign explanation": (0, 2),
    }
