"""Section 3: the baseline keeps corrections and puts them in front of what the model reads."""

import torch
from torch.testing import assert_close

from nexa_helpers.evaluation import evaluate_personalization
from nexa_helpers.policy import encode_examples, response_log_probs
from nexa_helpers.prompt_injection import PrefixedPolicy, PromptInjectionBaseline

EXACT = {"rtol": 1e-10, "atol": 1e-10}


def test_prefixed_log_probs_equal_those_with_the_tokens_put_in_by_hand(
    make_policy, make_triple, tokenizer
):
    policy = make_policy(1)
    prefix = torch.tensor(tokenizer.encode("\n\nHuman: be brief"))
    triples = [make_triple("ab"), make_triple("abcde", request="A longer request")]
    found = response_log_probs(PrefixedPolicy(policy, prefix), encode_examples(triples, tokenizer))
    for row, triple in enumerate(triples):
        batch = encode_examples([triple], tokenizer)
        ids = torch.cat([prefix, batch["input_ids"][0]]).unsqueeze(0)
        length = batch["response_ids"].shape[1]
        expected = policy(ids).log_softmax(dim=-1)[0, -length - 1 : -1]
        expected = expected.gather(1, batch["response_ids"][0].unsqueeze(1))[:, 0]
        assert_close(found[row, :length], expected, **EXACT)
        assert found[row, length:].eq(0).all()


def test_prefixed_logits_stand_where_the_input_does(make_policy):
    policy = make_policy(2)
    prefix, ids = torch.tensor([5, 6, 7]), torch.tensor([[1, 2], [3, 4]])
    expected = policy(torch.cat([prefix.expand(2, -1), ids], dim=1))[:, 3:]
    assert_close(PrefixedPolicy(policy, prefix)(ids), expected, **EXACT)
    assert expected.shape == (2, 2, 257)


def test_the_prefix_changes_what_the_model_says(make_policy, make_triple, tokenizer):
    policy = make_policy(2)
    batch = encode_examples([make_triple("ab")], tokenizer)
    prefixed = PrefixedPolicy(policy, torch.tensor([5, 6, 7]))
    moved = response_log_probs(prefixed, batch) - response_log_probs(policy, batch)
    assert moved.abs().max() > 1e-3


def test_an_empty_cache_changes_nothing(make_policy, make_triple, tokenizer):
    policy, baseline = make_policy(2), PromptInjectionBaseline()
    batch = encode_examples([make_triple("ab")], tokenizer)
    injected = baseline.inject_into(policy, tokenizer)
    assert_close(response_log_probs(injected, batch), response_log_probs(policy, batch), **EXACT)
    assert baseline.prefix() == ""
    assert baseline.build_prompt("query") == "query"


def test_the_prompt_lists_the_last_corrections_in_order():
    baseline = PromptInjectionBaseline(max_corrections=2)
    for text in ("one", "two", "three"):
        baseline.add_correction(text)
    assert baseline.build_prompt("query") == "DEVELOPER PREFERENCES:\n- two\n- three\n\nquery"
    assert baseline.prefix() == "\n\nHuman: DEVELOPER PREFERENCES:\n- two\n- three"


def test_a_correction_is_one_line_of_at_most_a_hundred_characters():
    baseline = PromptInjectionBaseline()
    baseline.add_correction("no,\n\nHuman:  not  that " + "x" * 200)
    (kept,) = baseline.correction_cache
    assert kept.startswith("no, Human: not that xxx")
    assert len(kept) == 100


def test_only_negative_feedback_is_learned(make_triple):
    baseline = PromptInjectionBaseline()
    feedback = ["Thanks!", "No, Python.", "hm", "Thanks, but wrong", "I know"]
    baseline.learn([make_triple("a", text) for text in feedback])
    assert list(baseline.correction_cache) == ["No, Python.", "Thanks, but wrong"]


def test_the_baseline_is_scored_by_the_metric_of_section_6(make_policy, make_triple, tokenizer):
    policy, baseline = make_policy(3), PromptInjectionBaseline()
    baseline.add_correction("No, Python.")
    triples = [make_triple("abc"[: i % 4], "thanks" if i % 2 else "no") for i in range(12)]
    injected = PrefixedPolicy(policy, torch.tensor(tokenizer.encode(baseline.prefix())))
    expected = evaluate_personalization(injected, policy, triples, tokenizer, 0.0)
    assert baseline.evaluate(triples, policy, tokenizer) == expected["preference_accuracy"]
    assert 0 < expected["preference_accuracy"] < 1
    assert list(baseline.correction_cache) == ["No, Python."]  # the test rows teach nothing


def test_a_full_cache_of_long_corrections_still_fits(make_policy, make_triple, tokenizer):
    baseline = PromptInjectionBaseline()
    for _ in range(10):
        baseline.add_correction("no " * 100)
    triples = [make_triple("y" * 200, "thanks", request="x" * 300)]
    assert 0 <= baseline.evaluate(triples, make_policy(4), tokenizer) <= 1
    kept = baseline.inject_into(make_policy(4), tokenizer).prefix_ids
    assert tokenizer.decode(kept.tolist()) == baseline.prefix()[-256:]  # the newest ones
