"""Training an adapter: what changes, what does not, PEFT's format, and TRL on the same batch."""

import copy
import dataclasses
import json
import random
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, PeftModel

from nexa_helpers.adapter_plans import LINEAR_LAYERS
from nexa_helpers.adapter_training import (
    TrainingSettings,
    adapter_loss,
    group_advantages,
    grpo_settings,
    hinted_batch,
    load_adapter,
    make_optimizer,
    new_adapter,
    save_adapter,
    token_advantages,
    train_adapter,
)
from nexa_helpers.chat import chunked_log_probs, chunked_reverse_kl, encode_chat, response_states
from nexa_helpers.code_answers import developer_reward
from nexa_helpers.coding_requests import code_request
from nexa_helpers.model_sources import make_tiny_model, make_tiny_tokenizer

TINY = TrainingSettings(updates=2, requests=2, group_size=2, max_tokens=6, answers_at_once=3)
FUNCTION = "def f(a: int):\n    return a"


@pytest.fixture
def tokenizer():
    return make_tiny_tokenizer()


@pytest.fixture
def base(tokenizer):
    return make_tiny_model(len(tokenizer), seed=2)


def moved(adapter, seed=5):
    """Give an adapter weights that change the model."""
    torch.manual_seed(seed)
    for name, weights in adapter.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weights, std=0.2)
    return adapter


def answered(tokenizer, texts):
    return encode_chat(
        [[*code_request("adds"), {"role": "assistant", "content": text}] for text in texts],
        tokenizer,
    )


def test_training_changes_the_adapter_and_nothing_else(base, tokenizer):
    before = {name: w.clone() for name, w in base.named_parameters()}
    adapter = new_adapter(base)
    rows = train_adapter(adapter, tokenizer, ("typed",), TINY)
    assert len(rows) == 2
    assert set(rows[0]) == {"reward", "kl", "tokens", "ended"}
    after = {
        n.replace(".base_layer", ""): w for n, w in adapter.get_base_model().named_parameters()
    }
    assert all(torch.equal(after[name], w) for name, w in before.items())
    assert any(w.abs().sum() > 0 for n, w in adapter.named_parameters() if "lora_B" in n)


def test_hints_alone_lower_the_distance_to_the_hinted_teacher(base, tokenizer):
    """On one and the same batch, so that nothing but the loss decides."""
    adapter = new_adapter(base)
    batch = answered(tokenizer, [FUNCTION, "no"])
    with torch.no_grad(), adapter.disable_adapter():
        teacher = hinted_batch(["adds"] * 2, ("typed",), batch, tokenizer)
        states, _ = response_states(adapter, teacher)
    optimizer = make_optimizer(adapter, TINY)
    seen = []
    for _ in range(30):
        kl, log_probs = chunked_reverse_kl(adapter, batch, states)
        loss = adapter_loss(kl, log_probs, torch.zeros_like(kl), TINY, len(kl))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        seen.append(loss.item())
    assert seen[-1] < 0.7 * seen[0]


def test_the_hinted_batch_has_the_same_responses_behind_longer_prompts(tokenizer):
    batch = answered(tokenizer, [FUNCTION, "no"])
    teacher = hinted_batch(["adds"] * 2, ("typed",), batch, tokenizer)
    for name in ("input_ids", "response_mask"):
        ours, theirs = batch[name], teacher[name]
        assert torch.equal(ours[:, batch["prompt_width"] :], theirs[:, teacher["prompt_width"] :])
    assert "type hints" in tokenizer.decode(teacher["input_ids"][0])
    assert "type hints" not in tokenizer.decode(batch["input_ids"][0])


def test_a_run_that_is_taken_up_again_ends_where_it_would_have_ended(tokenizer):
    whole = new_adapter(make_tiny_model(len(tokenizer), seed=2))
    train_adapter(whole, tokenizer, ("typed",), TINY)
    parts = new_adapter(make_tiny_model(len(tokenizer), seed=2))
    optimizer = make_optimizer(parts, TINY)

    class StopError(Exception):
        pass

    def stop(number, row):
        raise StopError

    with pytest.raises(StopError):
        train_adapter(parts, tokenizer, ("typed",), TINY, optimizer, after_update=stop)
    train_adapter(parts, tokenizer, ("typed",), TINY, optimizer, first=1)
    for one, other in zip(whole.parameters(), parts.parameters(), strict=True):
        torch.testing.assert_close(one, other)


def test_the_size_of_the_parts_of_a_batch_does_not_matter(tokenizer):
    ends = []
    for at_once in (1, 4):
        adapter = new_adapter(make_tiny_model(len(tokenizer), seed=2))
        settings = dataclasses.replace(TINY, answers_at_once=at_once, updates=1)
        train_adapter(adapter, tokenizer, ("typed",), settings)
        ends.append([w.clone() for n, w in adapter.named_parameters() if "lora_" in n])
    for one, other in zip(*ends, strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-3)


def test_advantages_by_hand():
    found = group_advantages(torch.tensor([1.0, 0.0, 0.5, 0.5]), group_size=2)
    torch.testing.assert_close(
        found, torch.tensor([0.70701, -0.70701, 0.0, 0.0]), atol=1e-4, rtol=0
    )
    assert group_advantages(torch.tensor([1.0, 2.0]), group_size=1).tolist() == [0.0, 0.0]


# PEFT's format


@pytest.mark.filterwarnings("ignore")
def test_an_adapter_is_small_and_a_stock_peft_loads_it(base, tokenizer, tmp_path):
    adapter = moved(new_adapter(base))
    batch = answered(tokenizer, [FUNCTION])
    expected = chunked_log_probs(adapter, batch).detach()
    size = save_adapter(adapter, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "adapter_config.json", "adapter_model.safetensors",
    ]  # fmt: skip
    parameters = sum(w.numel() for n, w in adapter.named_parameters() if "lora_" in n)
    assert 2 * parameters < size < 2 * parameters + 10_000
    fresh = make_tiny_model(len(tokenizer), seed=2)
    loaded = PeftModel.from_pretrained(fresh, tmp_path).eval()
    torch.testing.assert_close(chunked_log_probs(loaded, batch), expected, atol=0.02, rtol=0.01)
    assert adapter.dtype == torch.float32, "saving leaves the model as it was"
    torch.testing.assert_close(chunked_log_probs(adapter, batch).detach(), expected)


def test_an_adapter_of_another_model_is_refused(base, tmp_path, tokenizer):
    from transformers import LlamaForCausalLM

    save_adapter(new_adapter(base), tmp_path)
    config = copy.deepcopy(make_tiny_model(len(tokenizer)).config)
    config.intermediate_size = 32
    with pytest.raises(ValueError, match=r"made for another model: .*(mlp|proj)") as error:
        load_adapter(LlamaForCausalLM(config), tmp_path)
    assert "\n" not in str(error.value)
    config.intermediate_size, config.num_hidden_layers = 96, 1
    with pytest.raises(ValueError, match=r"made for another model: .*layers\.1"):
        load_adapter(LlamaForCausalLM(config), tmp_path)


def test_an_adapter_with_a_broken_or_missing_file_is_refused(base, tmp_path):
    with pytest.raises(ValueError, match="expected a safetensors file"):
        load_adapter(base, tmp_path)
    torch.save({}, tmp_path / "adapter_model.bin")  # pickled: not even looked at
    (tmp_path / "adapter_model.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0{")
    with pytest.raises(ValueError, match="expected a safetensors file"):
        load_adapter(base, tmp_path)
    save_adapter(new_adapter(base), tmp_path / "good")
    (tmp_path / "good" / "adapter_config.json").unlink()
    with pytest.raises(ValueError, match=r"expected adapter_config\.json"):
        load_adapter(make_tiny_model(320), tmp_path / "good")


# TRL


def make_trainer(tokenizer, folder: Path, settings=TINY):
    datasets = pytest.importorskip("datasets")
    trl = pytest.importorskip("trl")
    rows = [
        {"prompt": code_request(goal), "wishes": ["typed"]} for goal in ("adds", "sorts", "counts")
    ]
    config = trl.GRPOConfig(
        **grpo_settings(settings), output_dir=str(folder), report_to=[], use_cpu=True,
        save_strategy="no", disable_tqdm=True, logging_steps=1,
    )  # fmt: skip
    return trl.GRPOTrainer(
        make_tiny_model(len(tokenizer), seed=2), developer_reward, config,
        train_dataset=datasets.Dataset.from_list(rows), processing_class=tokenizer,
        peft_config=LoraConfig(r=4, lora_alpha=16, target_modules=list(LINEAR_LAYERS)),
    )  # fmt: skip


@pytest.mark.filterwarnings("ignore")
def test_trl_computes_the_same_loss_and_gradient(tokenizer, tmp_path):
    """One batch through GRPOTrainer and through the course's loss, on the adapter's weights."""
    # TRL divides the logits by the temperature before it scores; this course scores at 1
    trainer = make_trainer(tokenizer, tmp_path, dataclasses.replace(TINY, temperature=1.0))
    model = moved(trainer.model).train()
    batch = answered(tokenizer, [FUNCTION, "no", "def g(): pass", "x"])
    rewards = torch.tensor(developer_reward([""] * 4, [FUNCTION, "no", "def g(): pass", "x"],
                                            wishes=[("typed",)] * 4))  # fmt: skip
    advantages = group_advantages(rewards, 2)
    start = batch["prompt_width"]
    inputs = {
        "prompt_ids": batch["input_ids"][:, :start],
        "prompt_mask": batch["attention_mask"][:, :start],
        "completion_ids": batch["input_ids"][:, start:],
        "completion_mask": batch["response_mask"][:, start:].long(),
        "advantages": advantages,
    }
    weights = [w for w in model.parameters() if w.requires_grad]
    trainer.current_gradient_accumulation_steps = 1
    theirs = trainer._compute_loss(model, inputs)
    their_gradient = torch.autograd.grad(theirs, weights)

    settings = TrainingSettings(weight_hint=0.0, weight_reward=1.0)
    log_probs = chunked_log_probs(model, batch)[batch["response_mask"][:, start:]]
    ours = adapter_loss(
        torch.zeros_like(log_probs), log_probs, token_advantages(advantages, batch), settings,
        len(log_probs),
    )  # fmt: skip
    torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=1e-5)
    assert max(g.abs().max() for g in their_gradient) > 1e-3
    for one, other in zip(torch.autograd.grad(ours, weights), their_gradient, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-3)


@pytest.mark.filterwarnings("ignore")
def test_two_steps_of_grpo_trainer_with_this_courses_rewards_and_data(
    tokenizer, tmp_path, monkeypatch
):
    asked, judge = [], developer_reward

    def reward(prompts, completions, **columns):
        asked.append((prompts, columns["wishes"]))
        found = judge(prompts, completions, **columns)
        rng = random.Random(len(asked))
        return [value + rng.random() for value in found]  # a random model's are all -1

    reward.__name__ = "developer_reward"
    monkeypatch.setitem(make_trainer.__globals__, "developer_reward", reward)
    trainer = make_trainer(tokenizer, tmp_path)
    before = [w.clone() for w in trainer.model.parameters() if w.requires_grad]
    trainer.train()
    assert trainer.state.global_step == 2
    assert len(asked) == 2
    assert all(wishes == [["typed"]] * 4 for _, wishes in asked)
    assert asked[0][0][0][-1]["content"].startswith("Write a Python function that")
    after = [w for w in trainer.model.parameters() if w.requires_grad]
    assert any(not torch.equal(a, b) for a, b in zip(before, after, strict=True))


def test_settings_are_said_in_trls_words_one_by_one():
    words = grpo_settings(TrainingSettings(updates=7, group_size=5, max_tokens=33))
    assert words["loss_type"] == "bnpo"
    assert (words["max_steps"], words["num_generations"]) == (7, 5)
    assert (words["max_completion_length"], words["epsilon_high"]) == (33, 0.28)
    assert json.dumps(words)
