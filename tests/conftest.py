"""Fixtures: a byte tokenizer, tiny models and fakes whose answers are known in advance."""

import functools
import gzip
import json
import os
from pathlib import Path

import matplotlib
import pytest
import torch
from torch import nn

from authoring.answer_bank import QuickGrader
from authoring.assignment import ASSIGNMENTS, DRAFTS, NEXACODE
from authoring.changed_answers import choose_answers
from nexa_helpers.policy import SimplePolicy
from nexa_helpers.process_reward import ProcessRewardModel
from nexa_helpers.runtime import set_seed

matplotlib.use("Agg")
LONG_MODULES = {  # seconds that a module takes, roughly
    "tests/authoring/test_execution.py": 150,
    "tests/course/test_ready_made.py": 90,
    "tests/authoring/test_nbgrader_cli.py": 80,
    "tests/authoring/test_answer_bank.py": 55,
    "grader/tests/test_nexa_grade.py": 80,
    "grader/tests/test_attacks.py": 60,
    "tests/course/test_data.py": 60,
    "grader/tests/test_honest_habits.py": 45,
    "tests/authoring/test_assignments.py": 45,
    "tests/authoring/test_further_assignments.py": 80,
    "grader/tests/test_hardening.py": 45,
    "grader/tests/test_other_courses.py": 40,
    "grader/tests/test_repair.py": 40,
    "grader/tests/test_wheel.py": 40,
    "grader/tests/test_sandbox.py": 40,
    "tests/real_model/test_model_sources.py": 45,
    "tests/real_model/test_real_model_notebook.py": 25,
    "tests/real_model/test_real_model_probes.py": 15,
    "grader/tests/test_second_look.py": 30,
    "tests/authoring/test_mutants.py": 20,
    "tests/distillation/test_distillation_probes.py": 20,
    "tests/authoring/test_second_assignment.py": 35,
    "grader/tests/test_feedback_page.py": 15,
    "grader/tests/test_class_report.py": 15,
    "tests/authoring/test_student_bundle.py": 15,
    "tests/authoring/test_late_policy.py": 10,
    "grader/tests/test_notebook_choice.py": 10,
    "grader/tests/test_due_dates.py": 10,
    "grader/tests/test_exchange.py": 10,
}


class ByteTokenizer:
    """One token per byte, and one end-of-text token. The part of the Hugging Face API in use."""

    eos_token_id = 256

    def __len__(self):
        return 257

    def encode(self, text):
        return list(text.encode())

    def __call__(self, texts):
        if isinstance(texts, str):
            return {"input_ids": self.encode(texts)}
        return {"input_ids": [self.encode(text) for text in texts]}

    def decode(self, ids, skip_special_tokens=False):
        return bytes(i for i in ids if i < 256).decode(errors="replace")


class KeywordPRM(nn.Module):
    """A reward model without weights to learn: "+" in its input earns 1, "-" earns -1."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))

    def majority_vote(self, input_ids, attention_mask=None, num_votes=5):
        plus, minus = [(input_ids == ord(sign)).any(dim=1).float() for sign in "+-"]
        rewards = plus - minus
        return rewards, rewards.expand(num_votes, -1)


@pytest.fixture(autouse=True)
def same_chance_for_every_test():
    """Seed all generators, so that no test depends on the order of the tests."""
    torch.set_num_threads(1)
    set_seed(0)


@pytest.fixture
def tokenizer():
    return ByteTokenizer()


@pytest.fixture
def make_policy():
    """Make a tiny policy whose weights are large enough to matter (0.02 would hide a bug)."""

    def make(seed=0, vocab_size=257, max_positions=640):
        torch.manual_seed(seed)
        policy = SimplePolicy(vocab_size, 16, 2, max_positions=max_positions).double().eval()
        for weights in policy.parameters():
            nn.init.normal_(weights, std=0.3)
        return policy

    return make


@pytest.fixture
def unigram_policy():
    """Make a policy that reads nothing: token x has a probability in proportion to exp(logit)."""

    def make(logits, elsewhere=0.0):
        policy = SimplePolicy(257, 16, 2, num_layers=1).double().eval()
        nn.init.zeros_(policy.embedding.weight)  # the same tensor as head.weight
        nn.init.constant_(policy.head.bias, elsewhere)
        for token, logit in logits.items():
            policy.head.bias.data[ord(token) if isinstance(token, str) else token] = logit
        return policy

    return make


@pytest.fixture
def make_prm():
    def make(seed=0, vocab_size=257):
        torch.manual_seed(seed)
        return ProcessRewardModel(vocab_size, hidden_size=16, num_heads=2).eval()

    return make


@pytest.fixture
def keyword_prm():
    return KeywordPRM()


@pytest.fixture
def make_triple():
    """Make a triple whose context is one request."""

    def make(response, feedback="ok", request="Hi"):
        context = [{"role": "user", "content": request}]
        return {"context": context, "response": response, "feedback": feedback}

    return make


def pytest_addoption(parser):
    parser.addoption(
        "--bank",
        choices=("changed", "all"),
        default="changed",
        help="answers of the bank: all, or those of TODOs that have changed (default)",
    )


def pytest_generate_tests(metafunc):
    if "banked_answer" in metafunc.fixturenames:
        wanted = metafunc.config.getoption("--bank")
        bank = [
            (assignment, answer)
            for assignment in ASSIGNMENTS + DRAFTS
            for answer in choose_answers(assignment, wanted)
        ]
        ids = [f"{assignment.name} {answer.name}".replace(" ", "-") for assignment, answer in bank]
        metafunc.parametrize(("bank", "banked_answer"), bank, ids=ids)


def pytest_collection_modifyitems(config, items):
    """Arrange the tests for the workers: each starts with long modules and ends with the bank.

    Each worker starts with one share of the list. One that has finished takes tests from the end
    of another's, so that short ones have to stand there; a module whose tests two workers run
    would prepare itself twice.
    """
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    bank, modules = [], {}
    for item in items:
        if "banked_answer" in getattr(item, "fixturenames", ()):
            bank.append(item)
        else:
            modules.setdefault(item.nodeid.partition("::")[0], []).append(item)
    shares, seconds = [[] for _ in range(workers)], [0] * workers
    for path, longest in sorted(LONG_MODULES.items(), key=lambda one: -one[1]):
        share = seconds.index(min(seconds))
        seconds[share] += longest if path in modules else 0
        shares[share].extend(modules.pop(path, ()))
    short = [item for module in modules.values() for item in module]
    arranged = []
    for share, left in zip(shares, range(workers, 0, -1), strict=True):
        size = (len(items) - len(arranged)) // left  # what this worker gets, as xdist counts
        from_bank = min(len(bank) // left, max(0, size - len(share)))
        more = max(0, size - len(share) - from_bank)
        arranged += share + short[:more] + bank[:from_bank]
        del short[:more], bank[:from_bank]
    items[:] = arranged + short + bank


@pytest.fixture(scope="session")
def quick_graders():
    """A notebook's definitions and reference answers, ready to grade answers of its bank."""
    return functools.cache(QuickGrader)


@pytest.fixture(scope="session")
def quick_grader(quick_graders):
    """The first assignment's."""
    return quick_graders(NEXACODE)


@pytest.fixture
def make_row():
    """Make a row from turns; the developer and the assistant take turns."""

    def make(*turns):
        names = ["Human", "Assistant"] * len(turns)
        pairs = zip(names, turns, strict=False)
        return {"chosen": "".join(f"\n\n{name}: {text}" for name, text in pairs)}

    return make


@pytest.fixture(scope="session")
def hh_rows():
    """The real rows that NEXA_TEST_HH names. Their text is never shown."""
    path = os.environ.get("NEXA_TEST_HH")
    if not path:
        pytest.skip("NEXA_TEST_HH does not name the real HH-RLHF file (.jsonl.gz)")
    with gzip.open(Path(path), "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]
