"""Section 8: the structure of the measurement, by a fake clock. No real time is looked at."""

import time

import numpy as np
import pytest
import torch
from torch import nn

from nexa_helpers.latency import benchmark_inference


class ClockedModel(nn.Module):
    """Every pass takes as long as its script says, on a clock that stands still otherwise."""

    def __init__(self, monkeypatch, pass_seconds=lambda number: 0.001 * number):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.now, self.pass_seconds = 0.0, pass_seconds
        self.events, self.states = [], []
        monkeypatch.setattr(time, "perf_counter", self.read_clock)

    def read_clock(self):
        self.events.append("clock")
        return self.now

    def forward(self, input_ids):
        self.events.append(tuple(input_ids.shape))
        self.states.append((self.training, torch.is_grad_enabled(), int(input_ids.max())))
        self.now += self.pass_seconds(self.events.count(tuple(input_ids.shape)))
        return input_ids


def test_percentiles_in_milliseconds_equal_those_of_numpy(monkeypatch, tokenizer):
    durations = {4: [], 7: []}
    rng = np.random.default_rng(3)
    model = ClockedModel(monkeypatch)

    def forward(input_ids):
        seconds = rng.exponential(0.01)
        durations[input_ids.shape[1]].append(1000 * seconds)
        model.now += seconds

    monkeypatch.setattr(model, "forward", forward)
    results = benchmark_inference(model, tokenizer, num_samples=23, seq_lengths=[4, 7])
    assert list(results) == ["4", "7"]
    for length, taken in durations.items():
        expected = np.percentile(taken[-23:], [50, 95, 99])
        assert list(results[str(length)]) == ["p50", "p95", "p99"]
        assert list(results[str(length)].values()) == pytest.approx(expected, rel=1e-9)
        assert all(type(value) is float for value in results[str(length)].values())


def test_each_length_warms_up_before_the_clock_is_read(monkeypatch, tokenizer):
    model = ClockedModel(monkeypatch, lambda number: 100.0 if number == 1 else 0.002)
    results = benchmark_inference(model, tokenizer, num_samples=3, seq_lengths=[2, 5])
    for length in (2, 5):
        first = model.events.index((1, length))
        assert model.events[first + 1] == (1, length)  # a pass, and no clock around it
        assert results[str(length)]["p99"] == pytest.approx(2.0)  # the slow first one is left out


def test_every_sample_is_one_pass_between_two_looks_at_the_clock(monkeypatch, tokenizer):
    model = ClockedModel(monkeypatch)
    benchmark_inference(model, tokenizer, num_samples=5, seq_lengths=[2])
    timed = model.events[model.events.index("clock") :]
    assert timed == ["clock", (1, 2), "clock"] * 5


@pytest.mark.parametrize("training", [True, False])
def test_passes_run_in_eval_mode_without_gradients_and_the_mode_comes_back(
    monkeypatch, tokenizer, training
):
    model = ClockedModel(monkeypatch).train(training)
    benchmark_inference(model, tokenizer, num_samples=2, seq_lengths=[64])
    assert model.training is training
    assert torch.is_grad_enabled()
    for was_training, gradients, highest in model.states:
        assert not was_training
        assert not gradients
        assert 0 <= highest < len(tokenizer)


def test_a_gpu_is_waited_for_before_and_after_each_sample(monkeypatch, tokenizer):
    model = ClockedModel(monkeypatch)
    fake_parameter = type("P", (), {"device": torch.device("cuda", 0)})()
    monkeypatch.setattr(model, "parameters", lambda: iter([fake_parameter]))
    monkeypatch.setattr(torch.cuda, "synchronize", lambda *device: model.events.append("wait"))
    randint = torch.randint
    monkeypatch.setattr(torch, "randint", lambda *size, device: randint(*size))
    benchmark_inference(model, tokenizer, num_samples=3, seq_lengths=[2])
    timed = model.events[model.events.index("clock") - 1 :]
    assert timed == ["wait", "clock", (1, 2), "wait", "clock"] * 3


def test_a_real_policy_can_be_measured_at_the_default_lengths(make_policy, tokenizer):
    results = benchmark_inference(make_policy(1), tokenizer, num_samples=1)
    assert list(results) == ["32", "64", "128", "256", "512"]
    for latency in results.values():
        assert 0 < latency["p50"] <= latency["p95"] <= latency["p99"]


def test_fewer_than_one_sample_is_an_error(make_policy, tokenizer):
    with pytest.raises(ValueError, match="num_samples: expected 1 or more, got 0"):
        benchmark_inference(make_policy(1), tokenizer, num_samples=0)
