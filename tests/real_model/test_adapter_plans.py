"""The size of an adapter (oracle: PEFT), and the plan of a run (by hand)."""

import pytest
import torch
from peft import LoraConfig, get_peft_model
from smollm2 import SMOLLM2
from transformers import LlamaConfig, LlamaForCausalLM

from nexa_helpers.adapter_plans import LINEAR_LAYERS, adapter_size, plan_run


@pytest.mark.parametrize(
    ("rank", "modules"),
    [(4, LINEAR_LAYERS), (16, LINEAR_LAYERS), (1, ("k_proj",)), (7, ("o_proj", "down_proj"))],
)
@pytest.mark.filterwarnings("ignore")
def test_peft_counts_the_same(rank, modules):
    with torch.device("meta"):
        model = LlamaForCausalLM(SMOLLM2)
        peft = get_peft_model(model, LoraConfig(r=rank, target_modules=list(modules)))
    trainable, _ = peft.get_nb_trainable_parameters()
    assert adapter_size(SMOLLM2, rank, modules) == {"parameters": trainable, "bytes": 2 * trainable}


def test_rank_4_on_all_layers_is_under_three_megabytes():
    assert adapter_size(SMOLLM2, 4) == {"parameters": 1_221_120, "bytes": 2_442_240}


def test_a_name_counts_once_and_heads_may_be_wider_than_the_model():
    assert adapter_size(SMOLLM2, 2, ("q_proj", "q_proj")) == adapter_size(SMOLLM2, 2, ("q_proj",))
    wide = LlamaConfig(hidden_size=9, num_attention_heads=3, head_dim=8, num_hidden_layers=1)
    assert adapter_size(wide, 1, ("q_proj",))["parameters"] == 9 + 24


def test_what_no_adapter_can_be():
    with pytest.raises(ValueError, match="rank: expected 1 or more, got 0"):
        adapter_size(SMOLLM2, 0)
    with pytest.raises(ValueError, match=r"got \['lm_head'\]"):
        adapter_size(SMOLLM2, 4, ("q_proj", "lm_head"))


def test_a_plan_by_hand():
    plan = plan_run(
        tokens_per_second=40.0, answers=100, tokens_per_answer=72, answers_per_update=16,
        price_per_hour=0.5, base_parameters=10**8, adapter_parameters=10**6,
        bytes_per_token=2e6, tokens_at_once=500,
    )  # fmt: skip
    assert plan == {
        "updates": 7, "tokens": 7200, "hours": 0.05, "price": 0.025, "memory": 1.416e9,
    }  # fmt: skip


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"needs 0\.54 GB, the machine has 0\.50"):
        plan_run(10.0, 10, memory_bytes=0.5e9)
    assert plan_run(10.0, 10, base_parameters=10**9, memory_bytes=4e9)["memory"] == 4e9


@pytest.mark.parametrize(
    "wrong",
    [
        {"tokens_per_second": 0.0}, {"tokens_per_second": float("nan")}, {"answers": 0},
        {"tokens_per_answer": -1}, {"answers_per_update": 0},
    ],
)  # fmt: skip
def test_what_is_not_positive_is_refused(wrong):
    (name,) = wrong
    with pytest.raises(ValueError, match=f"{name}: expected more than 0"):
        plan_run(**({"tokens_per_second": 10.0, "answers": 5} | wrong))
