"""The benchmarks compare like with like, and the page tells what the result files hold."""

import copy
import math

import pytest
import torch
from scipy import stats

from benchmarks import distillation, training_step
from benchmarks.ablation import paired
from benchmarks.report import REPORT, report
from nexa_helpers.given.check_tools import check_tokenizer, check_triple, tiny_policy
from nexa_helpers.process_reward import ProcessRewardModel, encode_feedback
from nexa_helpers.runtime import set_seed
from nexa_helpers.training import frozen_copy


def without_dropout(model):
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
        if isinstance(module, torch.nn.MultiheadAttention):
            module.dropout = 0.0
    return model


def test_both_recipes_train_to_the_same_losses():
    tokenizer = check_tokenizer()
    feedback = ["Perfect, thanks.", "No, that is wrong.", "Okay."]
    triples = [check_triple("alpha beta " * (i % 4 + 1), feedback[i % 3]) for i in range(24)]
    policy = tiny_policy(tokenizer).double()
    set_seed(2)
    prm = without_dropout(ProcessRewardModel(len(tokenizer), 16, 2)).eval()
    prm.classifier.bias.data -= prm(**encode_feedback(triples, tokenizer)).mean(dim=0).detach()
    losses = []
    for train in (training_step.course_training, training_step.plain_training):
        models = copy.deepcopy(policy), frozen_copy(policy), prm
        losses.append(train(*models, triples, tokenizer, 3))
    assert losses[0] == pytest.approx(losses[1], rel=1e-9, abs=1e-12)
    assert any(abs(loss) > 1e-6 for loss in losses[0])


def test_variants_are_compared_seed_by_seed():
    with_it, without = [0.9, 0.7, math.nan, 0.95], [0.6, 0.65, 0.5, 0.4]
    parts = [{"with": {"x": a}, "without": {"x": b}} for a, b in zip(with_it, without, strict=True)]
    pairs, (mean, low, high) = paired(parts, ("with", "without"), "x")
    assert pairs == [(0.9, 0.6), (0.7, 0.65), (0.95, 0.4)]  # a seed without a value is left out
    oracle = stats.ttest_rel(*zip(*pairs, strict=True)).confidence_interval(0.95)
    assert (mean, low, high) == pytest.approx((0.3, oracle.low, oracle.high))


def test_what_the_contestants_gave_becomes_values_per_seed():
    def part(*looks, corrected=(True, False, False, False)):
        answers = [40 * place for place in range(len(looks))]
        return {"looks": looks, "answers": answers, "corrected": corrected, "seconds": 1.0}

    parts = {
        (who, name): [part(0.0, 0.5), part(0.25, 0.75)]
        for who in ("Ada", "Dara")
        for name in ("rewards alone", "hints alone")
    }
    for who in ("Ada", "Dara"):
        parts[who, "combined"] = [part(0.0, 1.0), part(0.95, 1.0, corrected=(True, True))]
    values = distillation.values_of(parts)
    end = "satisfied at the end"
    assert values[f"Dara, combined: {end}"] == ([1.0, 1.0], "share", ">= 0.95")
    assert values[f"Dara, combined minus hints alone: {end}"] == ([0.5, 0.25], "gain", "")
    assert values["Dara, combined: sessions until stable"][0] == [2.0, 5.0]  # never: one more
    assert values["Ada, combined: answers until .9"][0] == [40.0, 0.0]
    assert values["Ada, hints alone: answers until .9"][0] == [800.0, 800.0]  # never: twice all
    assert [distillation.meets(0.8, goal) for goal in (">= 0.8", "<= 0.3", "")] == [
        *(True, False, None)
    ]


def test_the_page_is_made_from_the_result_files():
    assert REPORT.read_text() == report()


def test_the_page_says_where_a_goal_was_missed(tmp_path):
    (tmp_path / "course.json").write_text(
        '{"title": "T", "note": "", "date": "d", "commit": "c", "machine": {"cores": 2,'
        '"processor": "p", "memory": "m", "gpu": "none", "python": "3", "torch": "2"},'
        '"figures": [{"name": "n", "value": 2, "unit": "s", "goal": "<= 1", "met": false}]}'
    )
    page = report(tmp_path)
    assert "| n | 2.00 | s | <= 1 | **not met** |" in page
    assert "No run on a GPU has been recorded" in page
