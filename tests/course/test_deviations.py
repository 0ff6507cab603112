"""Each deviation from the course's origin, the *seed*: what the course does in its place.

docs/deviations.md says by the same numbers what the seed does, and why it was left.
"""

import ast
import inspect
import re
import time
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.metrics import balanced_accuracy_score
from torch.testing import assert_close

from authoring.answer_bank import read_source
from authoring.assignment import NEXACODE, find_assignment
from authoring.graded_cells import asked_functions
from nexa_helpers import training
from nexa_helpers.conversations import (
    extract_training_triples,
    parse_conversation,
    preference_pairs,
    triples_from_rows,
)
from nexa_helpers.developers import DEVELOPERS
from nexa_helpers.error_analysis import categorize_errors
from nexa_helpers.evaluation import (
    centered_mean,
    evaluate_personalization,
    preference_interval,
    share_of,
)
from nexa_helpers.feedback import analyze_feedback_signals
from nexa_helpers.given.check_tools import checking
from nexa_helpers.grpo_tcr import compute_grpo_advantages, grpo_tcr_loss, overlong_reward
from nexa_helpers.latency import benchmark_inference
from nexa_helpers.policy import SimplePolicy, encode_examples, response_log_probs
from nexa_helpers.process_reward import predict_rewards, train_prm
from nexa_helpers.prompt_injection import PromptInjectionBaseline
from nexa_helpers.runtime import describe_runtime

REPOSITORY = Path(__file__).parents[2]


def check_of_the_sample(turns, triples):
    assert len(turns) == 5
    assert turns[0]["role"] == "user"
    assert turns[1]["role"] == "assistant"
    assert len(triples) == 2
    assert "Python not JavaScript" in triples[0]["feedback"]


SAMPLE = (
    "\n\nHuman: Write a sorting function in Python\n\nAssistant: Here is a JavaScript sorting "
    "function: function sort(arr) { return arr.sort(); }\n\nHuman: No, I asked for Python not "
    "JavaScript.\n\nAssistant: Sorry! Here is the Python version: def sort_list(lst): return "
    "sorted(lst)\n\nHuman: Perfect, thanks!"
)


@pytest.fixture
def notebook():
    return nbformat.read(NEXACODE.source_notebook, as_version=4)


def code_of(notebook):
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")


# One test or more a row


def test_row_01_device_memory_is_total_memory(monkeypatch):
    if torch.cuda.is_available():
        properties = torch.cuda.get_device_properties(0)
    else:
        properties = SimpleNamespace(name="T4", total_memory=16e9)
        monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: properties)
    assert f"{properties.total_memory / 1e9:.1f} GB" in describe_runtime(torch.device("cuda"))


def test_row_02_the_rejected_ending_is_read():
    start = "\n\nHuman: a\n\nAssistant: "
    rows = [{"chosen": start + "good", "rejected": start + bad} for bad in ("bad", "worse")]
    pairs, _ = preference_pairs(rows)
    assert [(pair["chosen"], pair["rejected"]) for pair in pairs] == [
        ("good", "bad"),
        ("good", "worse"),
    ]


def test_row_03_every_speaker_is_found():
    turns = parse_conversation(SAMPLE)
    check_of_the_sample(turns, extract_training_triples(turns))


def test_row_03_a_turn_keeps_its_paragraphs():
    assert parse_conversation("\n\nHuman: one\n\ntwo")[0]["content"] == "one\n\ntwo"


def test_row_04_parse_errors_are_shown():
    rows = [{"chosen": None}, {"chosen": SAMPLE}]
    triples, errors = triples_from_rows(rows)
    assert triples == extract_training_triples(parse_conversation(SAMPLE))
    assert len(errors) == 1
    assert errors[0].startswith("row 0: TypeError")


@pytest.mark.parametrize(
    ("text", "expected"),  # "no" is in "know", "not" in "another", "correct" in "incorrect"
    [
        ("I know", "neutral"),
        ("Show me another", "neutral"),
        ("That is incorrect", "negative"),
    ],
)
def test_row_05_keywords_are_whole_words_in_sentiment(text, expected):
    analysis = analyze_feedback_signals([{"response": "", "feedback": text}])
    assert analysis["sentiments"] == [expected]


@pytest.mark.parametrize("text", ["More information", "anymore"])  # "format" and "more" are in them
def test_row_05_keywords_are_whole_words_in_error_analysis(
    unigram_policy, make_triple, tokenizer, text
):
    counts = categorize_errors(unigram_policy({}), [make_triple("a", text)], tokenizer)
    assert counts["correct"] == 1


def test_row_06_the_cache_of_the_baseline_matters(make_policy, make_triple, tokenizer):
    letters = "abcdefghijklmnopqrstuvwx"
    triples = [make_triple(x * 3, "thanks" if i % 3 else "no") for i, x in enumerate(letters)]
    policy, baseline = make_policy(5), PromptInjectionBaseline()
    assert baseline.evaluate(triples, policy, tokenizer) == 0.0  # no correction: nothing moved
    accuracies = set()
    for correction in ("No, Python.", "Wrong style", "Not so long"):
        baseline.add_correction(correction)
        accuracies.add(baseline.evaluate(triples, policy, tokenizer))
    assert len(accuracies) == 3


def test_row_07_the_prm_is_trained_before_it_judges(make_prm, make_triple, tokenizer):
    feedback = {1: "yes", 0: "hm", -1: "no"}
    labels = [1, 0, -1] * 3
    triples = [make_triple("r" * (i % 4), feedback[x]) for i, x in enumerate(labels)]
    prm = make_prm(5)
    assert balanced_accuracy_score(labels, predict_rewards(prm, triples, tokenizer)) < 0.5
    train_prm(prm, triples, labels, tokenizer, num_steps=100, batch_size=12, lr=3e-3)
    assert balanced_accuracy_score(labels, predict_rewards(prm, triples, tokenizer)) == 1.0


IDS = torch.tensor([[72, 105, 33], [9, 8, 7]])
PADDED = torch.tensor([[72, 105, 33, 256, 256], [9, 8, 7, 256, 256]])
MASK = torch.tensor([[1, 1, 1, 0, 0], [1, 1, 1, 0, 0]])


def test_row_08_token_0_is_a_token(make_prm):
    assert make_prm(1).embedding.weight[0].abs().sum() > 0


def test_row_08_padding_is_not_read(make_prm):
    model = make_prm(1)
    assert_close(model(PADDED, MASK), model(IDS, torch.ones_like(IDS)), rtol=0, atol=1e-5)


def test_row_08_word_order_is_seen(make_prm):
    model, ones = make_prm(1), torch.ones_like(IDS)
    assert (model(IDS.flip(1), ones) - model(IDS, ones)).abs().max() > 1e-4


def test_row_09_a_tied_vote_is_zero(make_prm, monkeypatch):
    votes = [1, -1, -1, 1, 0]  # 2-2-1
    prm = make_prm(1)
    logits = F.one_hot(torch.tensor(votes) + 1, 3).float()
    queue = list(logits)
    monkeypatch.setattr(
        prm, "forward", lambda ids, mask=None: torch.stack([queue.pop(0) for _ in ids])
    )
    rewards, _ = prm.majority_vote(torch.zeros(1, 2, dtype=torch.long), num_votes=5)
    assert rewards.tolist() == [0.0]


def test_row_09_voting_builds_no_graph(make_prm):
    prm, built = make_prm(1), []
    prm.register_forward_hook(lambda module, inputs, logits: built.append(logits.requires_grad))
    prm.train()
    prm(IDS)  # gradients are on elsewhere
    prm.majority_vote(IDS)
    assert built == [True, False]


def test_row_10_a_group_of_one_has_the_advantage_zero():
    assert compute_grpo_advantages(torch.tensor([1.0])).tolist() == [0.0]


def pad(tensor, columns):
    return F.pad(tensor, (0, columns))


def test_row_11_padding_does_not_count_in_the_mean():
    new, ref = -2 + 0.05 * torch.randn(2, 2, 4)
    advantages, lengths = torch.tensor([1.0, -0.5]), torch.tensor([4, 4])
    wide = pad(new, 12), pad(ref, 12)
    ours = [grpo_tcr_loss(*x, advantages, lengths)[0] for x in ((new, ref), wide)]
    assert_close(*ours)


def gradient_of_kl_alone(new):
    """Advantages of zero leave the KL term alone."""
    value, _ = grpo_tcr_loss(new, torch.full((1, 3), -2.0), torch.zeros(1), torch.tensor([3]))
    return value.item(), torch.autograd.grad(value, new)[0]


def test_row_12_the_kl_penalty_is_bounded_and_pulls_back_to_the_reference():
    at_reference = torch.full((1, 3), -2.0, requires_grad=True)
    below, above = (torch.full((1, 3), x, requires_grad=True) for x in (-9.0, -1.0))
    assert gradient_of_kl_alone(at_reference)[1].eq(0).all()
    assert gradient_of_kl_alone(below)[1].lt(0).all()  # a step would raise it
    assert gradient_of_kl_alone(above)[1].gt(0).all()
    assert gradient_of_kl_alone(below)[0] > 0


def test_row_13_an_overlong_response_is_worse():
    new = torch.full((2, 3), -2.0)
    advantages = torch.zeros(2)
    overlong = torch.tensor([600, 600])
    assert grpo_tcr_loss(new, new, advantages, overlong)[0] == 0
    shaped = torch.tensor([1.0 + overlong_reward(n) for n in (100, 600)])
    assert compute_grpo_advantages(shaped)[1] < 0 < compute_grpo_advantages(shaped)[0]


def test_row_14_rollouts_are_compared_with_the_policy_that_sampled_them():
    sampled = torch.full((1, 2), -1.0, requires_grad=True)  # before the first update
    ref = torch.full((1, 2), -2.0)
    advantages, lengths = torch.ones(1), torch.tensor([2])
    loss, metrics = grpo_tcr_loss(
        sampled, ref, advantages, lengths, beta_kl=0.0, log_probs_old=sampled
    )
    assert metrics["mean_ratio"] == 1.0
    assert_close(torch.autograd.grad(loss, sampled)[0], torch.full((1, 2), -0.5))


def test_row_15_the_policy_does_not_see_the_token_that_it_predicts():
    changed = IDS.clone()
    changed[:, -1] = 50
    model = SimplePolicy(257, 16, 2)
    assert_close(model(changed)[:, :-1], model(IDS)[:, :-1], rtol=0, atol=0)


def test_row_15_the_policy_knows_word_order(make_policy):
    model, swapped = make_policy(1), IDS[:, [1, 0, 2]]
    assert (model(swapped)[:, -1] - model(IDS)[:, -1]).abs().max() > 1e-3


def test_row_15_the_policy_reads_the_context(make_policy, make_triple, tokenizer):
    triples = [make_triple("same", request=text) for text in ("Hi", "Something else")]
    ours = response_log_probs(make_policy(1), encode_examples(triples, tokenizer))
    assert (ours[0] - ours[1]).abs().max() > 1e-3


def test_row_15_the_reference_is_not_noise(make_policy, make_triple, make_row, tokenizer):
    policy = make_policy(1)
    batch = encode_examples([make_triple("abc")], tokenizer)
    before = response_log_probs(policy, batch).mean()  # random weights
    training.warm_start(policy, [make_row("Hi", "abc")], tokenizer, 20, batch_size=2, lr=1e-2)
    assert response_log_probs(policy, batch).mean() > before + 1


def test_row_16_equal_weights_give_equal_log_probs():
    ids = torch.randint(257, (8, 32), generator=torch.Generator().manual_seed(1))
    policy = SimplePolicy(257, 16, 2).train()
    assert_close(policy.get_log_probs(ids, ids), policy.get_log_probs(ids, ids), rtol=0, atol=0)


def test_row_17_a_group_answers_one_prompt():
    # Four answers to an easy prompt are all good, four to a hard one all bad: nothing to learn.
    rewards = torch.tensor([[1.0] * 4, [-1.0] * 4])
    assert compute_grpo_advantages(rewards).eq(0).all()
    logged = " ".join((training.train_grpo_tcr.__doc__ or "").split())
    assert "The batch stands in for the group" in logged  # logged turns cannot do better: said so


def test_row_18_rollouts_are_collected(make_policy, tokenizer):
    records = training.collect_rollouts(
        make_policy(1), DEVELOPERS[0], tokenizer, 3, 1, group_size=2, max_new_tokens=3
    )
    for first, second in zip(records[::2], records[1::2], strict=True):
        assert first["context"] == second["context"]
        assert first["response_ids"] != second["response_ids"]
    assert any(isinstance(record["feedback"], str) for record in records)  # somebody answers


def test_row_19_prm_accuracies_are_made(make_policy, keyword_prm, make_triple, tokenizer):
    triples = [make_triple("a", "thanks +"), make_triple("b", "thanks -")]
    policy = make_policy(1)
    metrics = training.train_grpo_tcr(policy, policy, keyword_prm, triples, tokenizer, 2)
    assert metrics["prm_accuracies"] == [0.5, 0.5]


def test_row_20_raising_everything_earns_no_more_than_chance(
    unigram_policy, make_triple, tokenizer
):
    raised, ref_policy = unigram_policy({"a": 3.0}), unigram_policy({})
    feedback = ["thanks"] * 3 + ["no"] * 2
    triples = [make_triple("aaaaaa", text) for text in feedback]
    results = evaluate_personalization(raised, ref_policy, triples, tokenizer, 0.5)
    improved = [x > 0 for x in results["log_prob_improvements"]]
    assert sum(improved) / len(improved) == 1.0  # every response became likelier
    assert results["preference_accuracy"] == 0.5


def test_row_21_a_share_has_an_interval():
    _, low, high = share_of(60, 100)
    assert high - low > 0.15
    low, high = preference_interval([1.0, 1.0, -1.0, -1.0] * 5, [1, -1] * 10)
    assert low < 0.5 < high


def test_row_21_smoothing_does_not_shift_the_curve():
    losses, window = [0.0] * 100, 21
    losses[50] = 1.0
    steps, curve = centered_mean(losses, window)
    assert steps[curve > 0].mean() == 50


def test_row_21_kl_is_in_nats_per_token(unigram_policy, make_triple, tokenizer):
    policy, ref_policy = unigram_policy({}, elsewhere=1.0), unigram_policy({})
    policy.head.bias.data[ord("a")] = 3.0
    values = [
        evaluate_personalization(policy, ref_policy, [make_triple(text)], tokenizer, 0.5)["mean_kl"]
        for text in ("b", "b" * 50)
    ]
    assert values[0] == pytest.approx(values[1])  # a sum would grow with the length


def test_row_22_error_analysis_looks_at_the_policy(unigram_policy, make_triple, tokenizer):
    triples = [make_triple("aaaa", "wrong")]
    found = []
    for logit in (3.0, -3.0):
        policy, ref_policy = unigram_policy({"a": logit}), unigram_policy({})
        assert categorize_errors(policy, triples, tokenizer)["content_error"] == 1
        counts = categorize_errors(policy, triples, tokenizer, ref_policy=ref_policy)
        found.append(counts["content_error"])
    assert found == [1, 0]


class FakeGPU(nn.Module):
    """A pass returns at once; its 5 ms go by when somebody waits. The first pass is slower."""

    def __init__(self, monkeypatch):
        super().__init__()
        self.now, self.queued, self.passes, self.modes = 0.0, 0.0, 0, []
        monkeypatch.setattr(time, "perf_counter", lambda: self.now)
        monkeypatch.setattr(torch.cuda, "synchronize", self.wait)
        randint = torch.randint
        monkeypatch.setattr(torch, "randint", lambda *size, device=None: randint(*size))

    def parameters(self, recurse=True):
        return iter([SimpleNamespace(device=torch.device("cuda", 0))])

    def wait(self, *device):
        self.now, self.queued = self.now + self.queued, 0.0

    def forward(self, input_ids):
        self.passes += 1
        self.queued += 1.0 if self.passes == 1 else 0.005
        self.modes.append((self.training, torch.is_grad_enabled()))


def test_row_23_latency_is_measured_on_both_sides_after_a_warm_up(monkeypatch, tokenizer):
    gpu = FakeGPU(monkeypatch)
    results = benchmark_inference(gpu, tokenizer, num_samples=5, seq_lengths=[8])
    assert list(results["8"].values()) == pytest.approx(
        [5.0] * 3
    )  # the slow first pass is left out
    assert set(gpu.modes) == {(False, False)}


def test_row_23_no_measurement_is_not_within_the_budget(notebook):
    code = code_of(notebook)
    assert "bool(latency_results) and all(" in code


def test_row_24_an_answer_has_a_loss_and_a_gradient():
    new = torch.zeros(1, 2, requires_grad=True)
    loss, _ = grpo_tcr_loss(new, torch.zeros(1, 2), torch.ones(1), torch.tensor([2]))
    assert loss != 0
    assert torch.autograd.grad(loss, new)[0].ne(0).all()


def test_row_24_every_todo_has_graded_cells_in_the_notebook(notebook):
    settings = [cell.metadata.get("nbgrader", {}) for cell in notebook.cells]
    graded = Counter(
        re.match(r"todo(\d)-test-", cell.grade_id).group(1)
        for cell in settings
        if cell.get("grade") and "-test-" in cell.grade_id
    )
    assert set(graded) == set("123456789")
    assert all(graded[todo] > 1 for todo in "12345678")


def test_row_25_the_untouched_assessment_gives_a_message_and_not_a_bare_failure(notebook):
    cells = {c.metadata.get("nbgrader", {}).get("grade_id"): c for c in notebook.cells}
    manual = cells["todo9-ethical_assessment"]
    assert manual.metadata.nbgrader.solution
    assert manual.metadata.nbgrader.grade
    check, given = cells["todo9-test-word-count"].source, {"checking": checking, "READY_MADE": []}
    with pytest.raises(AssertionError, match=r"expected about 300 words.*got 3"):
        exec(check, {"ethical_assessment": "only three words", **given})
    exec(check, {"ethical_assessment": "word " * 250, **given})
    text = " ".join(cell.source for cell in notebook.cells)
    assert "300" in text


def test_row_26_there_is_one_setup_with_versions_and_no_late_install(notebook):
    code = code_of(notebook)
    assert "pip install" not in code
    assert "filterwarnings('ignore')" not in code.replace('"', "'")
    imports = [
        number
        for number, cell in enumerate(notebook.cells)
        if cell.cell_type == "code" and re.search(r"(?m)^(import|from) ", cell.source)
    ]
    setup = notebook.cells[imports[0]]
    assert setup.metadata.nbgrader.grade_id == "setup-imports"
    assert "describe_runtime(device)" in code  # versions are shown
    assert "torch.__version__" in inspect.getsource(describe_runtime)


def test_row_26_every_import_is_used(notebook):
    cells = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    code = "\n".join(cells)
    setup = next(source for source in cells if re.search(r"^import ", source, re.MULTILINE))
    names = [
        (alias.asname or alias.name).split(".")[0]
        for node in ast.parse(setup.replace("%matplotlib inline", "")).body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    ]
    used_once = [name for name in names if len(re.findall(rf"\b{name}\b", code)) < 2]
    assert len(names) > 10
    assert used_once == []


def test_row_27_opd_has_an_assignment_of_its_own(notebook):
    summary = "\n".join(cell.source for cell in notebook.cells[-3:])
    sentences = [part for part in re.split(r"(?<=[.:])\s", summary) if "OPD" in part]
    assert all("not part of this notebook" in " ".join(part.split()) for part in sentences)
    assert "OPD" not in code_of(notebook)
    asked = asked_functions(read_source(find_assignment("distillation")))
    assert {"hinted_context", "distillation_loss"} <= asked.keys()


def test_the_document_lists_every_row_and_every_test():
    text = (REPOSITORY / "docs" / "deviations.md").read_text(encoding="utf-8")
    rows = re.findall(r"(?m)^\| (\d+) \|", text)
    assert rows == [str(number) for number in range(1, 28)]
    named = set(re.findall(r"`(test_row_\w+)`", text))
    assert named == {name for name in globals() if name.startswith("test_row_")}
