"""Our hints in TRL's format: its experimental trainer reads them, and takes two steps."""

import json
import warnings

import pytest
import torch
from datasets import Dataset
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from trl.experimental.sdft import SDFTConfig, SDFTTrainer

ROWS = [
    {"prompt": "sort the prices", "privileged_context": "Write a guard."},
    {"prompt": "sum the ages", "privileged_context": "Use Python."},
]


@pytest.fixture
def tiny():
    words = sorted({word for row in ROWS for text in row.values() for word in text.split()})
    vocabulary = {word: i for i, word in enumerate(["<end>", "<unk>", *words])}
    bare = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    bare.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bare, eos_token="<end>", pad_token="<end>", unk_token="<unk>"
    )
    torch.manual_seed(0)
    size = {"n_embd": 16, "n_layer": 1, "n_head": 2, "n_positions": 64}
    config = GPT2Config(
        vocab_size=len(vocabulary), bos_token_id=0, eos_token_id=0, pad_token_id=0, **size
    )
    return GPT2LMHeadModel(config), tokenizer


@pytest.mark.filterwarnings("ignore")
def test_trl_reads_what_we_write_and_takes_two_steps(tiny, tmp_path):
    model, tokenizer = tiny
    path = tmp_path / "hints.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    rows = Dataset.from_list([json.loads(line) for line in path.read_text().splitlines()])
    assert rows.column_names == ["prompt", "privileged_context"]
    before = [parameter.detach().clone() for parameter in model.parameters()]
    config = SDFTConfig(
        output_dir=str(tmp_path / "out"), max_steps=2, per_device_train_batch_size=2,
        num_generations=2, max_completion_length=6, use_cpu=True, bf16=False, report_to="none",
        teacher_model_kind="base", distillation_mode="sampled_token", distillation_alpha=1.0,
        learning_rate=1e-2, save_strategy="no", disable_tqdm=True,
    )  # fmt: skip
    model.save_pretrained(tmp_path / "model")  # its teacher is loaded from there
    model.config._name_or_path = str(tmp_path / "model")
    trainer = SDFTTrainer(model=model, args=config, train_dataset=rows, processing_class=tokenizer)
    trainer.train()
    assert trainer.state.global_step == 2
    assert any(
        not torch.equal(old, new) for old, new in zip(before, model.parameters(), strict=True)
    )
