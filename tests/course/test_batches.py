"""Padding of rows of ids, and one training step."""

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from nexa_helpers.batches import one_cycle, pad_rows, take_step

ROWS = [[5, 6, 7], [8], [9, 4]]


@pytest.mark.parametrize(
    ("side", "ids", "mask"),
    [
        ("right", [[5, 6, 7], [8, 0, 0], [9, 4, 0]], [[1, 1, 1], [1, 0, 0], [1, 1, 0]]),
        ("left", [[5, 6, 7], [0, 0, 8], [0, 9, 4]], [[1, 1, 1], [0, 0, 1], [0, 1, 1]]),
    ],
)
def test_rows_are_padded_on_the_side_that_is_named(side, ids, mask):
    found = pad_rows(ROWS, 0, side)
    assert [tensor.tolist() for tensor in found] == [ids, mask]
    assert all(tensor.dtype == torch.long for tensor in found)


def test_the_padding_may_be_any_id_and_real_tokens_may_equal_it():
    ids, mask = pad_rows([[7, 7], [7]], 7)
    assert ids.tolist() == [[7, 7], [7, 7]]
    assert mask.tolist() == [[1, 1], [1, 0]]


def test_an_empty_row_is_all_padding():
    ids, mask = pad_rows([[], [3]], -100, "left")
    assert (ids.tolist(), mask.tolist()) == ([[-100], [3]], [[0], [1]])


def test_a_step_forgets_old_gradients_and_bounds_the_new_ones():
    """Plain gradient descent with a rate of 1: the step is the gradient, at most 1.0 long."""
    model = nn.Linear(2, 1, bias=False).double()
    start = model.weight.detach().clone()
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    model.weight.grad = torch.full_like(model.weight, 100.0)  # of an earlier loss
    take_step(optimizer, model, (model.weight * torch.tensor([[0.3, 0.4]])).sum())
    assert_close(model.weight, start - torch.tensor([[0.3, 0.4]]).double())
    start = model.weight.detach().clone()
    take_step(optimizer, model, (model.weight * torch.tensor([[30.0, 40.0]])).sum())
    assert_close(model.weight, start - torch.tensor([[0.6, 0.8]]).double(), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("num_steps", [*range(1, 31), 300])
def test_the_rate_rises_once_then_falls_to_nothing_for_any_number_of_steps(num_steps):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = one_cycle(optimizer, 2.0, num_steps)
    rates = []
    for _ in range(num_steps):
        rates += schedule.get_last_lr()
        optimizer.step()
        schedule.step()
    top = max(range(num_steps), key=rates.__getitem__)
    assert rates[: top + 1] == sorted(rates[: top + 1])
    assert rates[top:] == sorted(rates[top:], reverse=True)
    assert max(rates) <= 2.0
    if num_steps >= 20:
        assert top == pytest.approx(0.1 * num_steps, abs=1.5)
        assert max(rates) > 1.9
    if num_steps > 2:
        assert rates[-1] < 0.001
