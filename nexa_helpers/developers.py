"""Simulated NexaCode developers: people who ask, read the response, reply, and have known wishes.

A developer wishes for three of six features of a response and never says so in advance. They read
any text, and reply with praise, with a correction of the first thing that is wrong, with a
re-ask, or with a neutral next request. Because the wishes are known, personalization can be
measured against the truth. What is left out: typing errors, moods, wishes that change in time.
"""

import argparse
import json
import random
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations, product
from pathlib import Path
from typing import Any

from nexa_helpers.tasks import (
    FEATURE_OF_WISH,
    FEATURES,
    RARE_FEATURES,
    STYLES,
    TASKS,
    Style,
    Task,
    comply,
    find_slips,
    is_right,
    read_response,
    write_response,
)
from nexa_helpers.wordings import OPPOSITES, word_wish

# What developers say. In each list but the requests, every fourth sentence is kept for the test
# conversations, so that a judge of feedback can be tested on words that it has never read.
REQUESTS = [
    "Write a function to {goal}.", "How do I {goal}?", "I need code to {goal}.",
    "Please show me how to {goal}.", "Can you {goal}?", "My next step is to {goal}.",
]  # fmt: skip
PRAISE_OPENERS = [
    "Perfect.", "Thanks.", "Okay.", "Nice one.", "Right.", "Great.", "Fine.", "Sure.", "Good.",
    "Neat.", "Yes.", "Excellent.", "Super.", "Exactly.", "Cool.", "Lovely.",
]  # fmt: skip
PRAISE = [
    "That works.", "This is how I write it.", "I will use it.", "It works for me.",
    "It is exactly my style.", "It does what I need.", "It is correct.", "I will take it as it is.",
    "My team will like it, thanks.", "It fits into my project.", "It looks like my own code.",
    "That is how I like it.", "It is a great fit.", "I take it.", "It is helpful.",
    "My project needs it like this.",
]  # fmt: skip
NEUTRAL = [
    "Next:", "Now something else.", "Let us move on.", "Now let us move on.", "Another question.",
    "I have one more.", "Next topic:", "Next question:",
]  # fmt: skip
LEAD_INS = [
    "No.", "Hmm.", "That is wrong.", "Wait.", "Not quite.", "Almost.", "Please look again.",
    "Hmm, not yet.", "A good start.", "One change:", "This is wrong.", "Hold on.", "Sorry, no.",
    "Look again.", "Well.", "One thing:", "Not for me.", "Please change it.", "So close.",
    "Close.",
]  # fmt: skip
RE_ASKS = [
    "Once more:", "Please start again:", "Let me say it again:", "Let me ask again:",
    "Try again:", "Read my question again:", "That is not it yet:", "Please try once more:",
]  # fmt: skip
CORRECTIONS = {
    "content": [
        "The code should {goal}.", "It does something else. I want to {goal}.",
        "It does not {goal}.", "The result is wrong. It should {goal}.",
        "This breaks. It should {goal}.", "I cannot use that. I want to {goal}.",
        "The result is bad, please {goal}.", "I want code to {goal}.",
    ],
    "python": [
        "Please use Python.", "I write Python.", "I want Python instead.", "Python, please.",
        "We work in Python.", "It should be in Python, not JavaScript.", "Give me Python.",
        "Please write it in Python instead.",
    ],
    "javascript": [
        "Please use JavaScript.", "I write JavaScript.", "I want JavaScript instead.",
        "JavaScript, please.", "We work in JavaScript.", "It should be in JavaScript, not Python.",
        "Give me JavaScript.", "Please write it in JavaScript instead.",
    ],
    "snake_case": [
        "Use snake_case for the name.", "I write names in snake_case.",
        "Rename it: snake_case, not camelCase.", "Names in snake_case, please.",
        "The name needs an underscore.", "I want snake_case instead.",
        "We use snake_case names.", "The name should be snake_case instead.",
    ],
    "camelCase": [
        "Use camelCase for the name.", "I write names in camelCase.",
        "Rename it: camelCase, not snake_case.", "Names in camelCase, please.",
        "The name needs a capital letter.", "I want camelCase instead.",
        "We use camelCase names.", "The name should be camelCase instead.",
    ],
    "typed": [
        "Add the type.", "The argument needs a type hint.", "Don't leave out the type.",
        "Please write the type hint.", "I want type hints.", "It should not go without types.",
        "We write types.", "Don't forget the type hint.",
    ],
    "untyped": [
        "Drop the type.", "The type hint should go.", "Don't write the type.",
        "Please leave out the type hint.", "I want code without types.", "It needs no type hint.",
        "We write without types.", "Don't add the type hint.",
    ],
    "documented": [
        "Add a docstring.", "The function needs a docstring.", "Don't leave out the docstring.",
        "Please write the docstring.", "I want a docstring.",
        "It should not go without a docstring.", "We document each function.",
        "Don't forget the docstring.",
    ],
    "undocumented": [
        "Drop the docstring.", "The docstring should go.", "Don't write the docstring.",
        "Please leave out the docstring.", "I want code without a docstring.",
        "It needs no docstring.", "We write without docstrings.", "Don't add the docstring.",
    ],
    "tested": [
        "Add a test.", "The function needs a test.", "Don't leave out the test.",
        "Please write the test.", "I want a test.", "It should not go without a test.",
        "We test each function.", "Don't forget the test.",
    ],
    "untested": [
        "Drop the test.", "The test should go.", "Don't write the test.",
        "Please leave out the test.", "I want code without a test.", "It needs no test.",
        "We write without tests.", "Don't add the test.",
    ],
    "brief": [
        "Only the code.", "The explanation should go.", "Don't explain it.",
        "Please leave out the explanation.", "I want code without explanation.",
        "It needs no explanation.", "We keep it short.", "Don't add the explanation.",
    ],
    "guarded": [
        "Add a guard.", "The function needs a guard.", "Don't leave out the guard.",
        "Please write the guard.", "I want a guard.", "It should not go without a guard.",
        "We guard each function.", "Don't forget the guard.",
    ],
    "unguarded": [
        "Drop the guard.", "The guard should go.", "Don't write the guard.",
        "Please leave out the guard.", "I want code without a guard.", "It needs no guard.",
        "We write without guards.", "Don't add the guard.",
    ],
    "explained": [
        "Explain the code.", "The code needs an explanation.", "Don't leave out the explanation.",
        "Please write the explanation.", "I want an explanation.",
        "It should not go without an explanation.", "We explain each function.",
        "Don't forget the explanation.",
    ],
}  # fmt: skip

# What they say of words or tests that are false, by feature (see ``find_slips``).
SLIP_CORRECTIONS = {
    "tests": [
        "The test is wrong.", "The test should expect something else.", "Please check the test.",
        "The test is false.", "The test fails.", "The test expects a wrong result.",
        "The test does not pass.", "Please look at the test.",
    ],
    "docs": [
        "The docstring is wrong.", "The docstring says something else.",
        "Please check the docstring.", "The docstring is false.",
        "The docstring does not fit the code.", "The docstring is about another function.",
        "The docstring does not say what it does.", "Please look at the docstring.",
    ],
    "length": [
        "The explanation is wrong.", "The explanation says something else.",
        "Please check the explanation.", "The explanation is false.",
        "The explanation does not fit the code.", "The explanation is about another function.",
        "The explanation does not say what it does.", "Please look at the explanation.",
    ],
}  # fmt: skip


def choose_sentence(rng: random.Random, sentences: list[str], split: str) -> str:
    """Choose a sentence: each fourth one is for the test split, the others for training."""
    return rng.choice(
        [text for i, text in enumerate(sentences) if (i % 4 == 3) == (split == "test")]
    )


@dataclass(frozen=True)
class Reply:
    """What a developer says to a response, the task that it is about, and what they think."""

    text: str
    task: Task
    verdict: int  # the truth: +1 all is well, -1 something is wrong, 0 nothing is said of it
    complaint: str | None  # the wish that it names, or "content", or None


@dataclass(frozen=True)
class Developer:
    """A simulated developer: a name and wishes, each the wanted value of a feature."""

    name: str
    wishes: dict[str, str]

    def ask(self, rng: random.Random, task: Task) -> str:
        """Ask for a task, in words that do not tell the wishes."""
        goal = task.goal(rng)
        return rng.choice(REQUESTS).format(goal=goal)

    def find_problem(self, task: Task, response: str) -> tuple[str | None, list[str]]:
        """Find the first thing that is wrong, and the sentences that correct it.

        The code comes first. A test that is not true, and words that are not about the task, are
        wrong for everybody: where the developer wishes for nothing there, they count as wrong
        content. Then come the wishes, in order; false words do not meet a wish.

        Returns:
            "content", the wish that is not met, or None where all is well; and the sentences.
        """
        parsed = read_response(response)
        if parsed is None or not is_right(task, parsed):
            return "content", CORRECTIONS["content"]
        slips = find_slips(task, parsed)
        for feature in sorted(slips - set(self.wishes)):
            return "content", SLIP_CORRECTIONS[feature]
        for feature, wish in self.wishes.items():
            if parsed.style[feature] != wish:
                return wish, CORRECTIONS[wish]
            if feature in slips:
                return wish, SLIP_CORRECTIONS[feature]
        return None, []

    def complaint(self, task: Task, response: str) -> str | None:
        """Name the first thing that is wrong: "content", or the wish that is not met; or None."""
        return self.find_problem(task, response)[0]

    def reply(
        self, rng: random.Random, task: Task, response: str,
        task_split: str = "train", sentence_split: str = "train",
    ) -> Reply:  # fmt: skip
        """Reply to a response.

        One reply in ten is a new request and says nothing of the response. Else a right response
        is praised, and a new request follows; and a wrong one is corrected, or (one time in seven)
        the request is repeated in other words.

        Args:
            rng: The source of chance.
            task: What was asked.
            response: Any text.
            task_split: ``"train"`` or ``"test"``: which tasks to ask for next.
            sentence_split: ``"train"`` or ``"test"``: which sentences to use.

        Returns:
            The reply.
        """

        def say(sentences: list[str]) -> str:
            return choose_sentence(rng, sentences, sentence_split)

        complaint, corrections = self.find_problem(task, response)
        next_task = rng.choice(TASKS[task_split])
        request = self.ask(rng, next_task)
        if rng.random() < 0.1:
            return Reply(f"{say(NEUTRAL)} {request}", next_task, 0, None)
        if complaint is None:
            praise = f"{say(PRAISE_OPENERS)} {say(PRAISE)}".strip()
            return Reply(f"{praise} {request}", next_task, 1, None)
        if rng.random() < 1 / 7:
            text = f"{say(LEAD_INS)} {say(RE_ASKS)} {self.ask(rng, task)}"
            return Reply(text.strip(), task, -1, None)
        goal = task.goal(rng)
        text = f"{say(LEAD_INS)} {say(corrections).format(goal=goal)}"
        return Reply(text.strip(), task, -1, complaint)


def make_developers() -> list[Developer]:
    """List every developer with three wishes: 20 choices of features, 8 of values."""
    developers: list[Developer] = []
    for features in combinations(FEATURES, 3):
        for values in product(*(FEATURES[feature] for feature in features)):
            name = f"developer-{len(developers):03}"
            developers.append(Developer(name, dict(zip(features, values, strict=True))))
    return developers


DEVELOPERS = make_developers()
ADA = Developer("Ada", {"language": "python", "types": "typed", "tests": "tested"})
BORIS = Developer("Boris", {"language": "javascript", "naming": "snake_case", "length": "brief"})
CHEN = Developer("Chen", {"naming": "camelCase", "docs": "documented", "length": "explained"})
# Nobody in the log has Dara's first wish, and the logged assistant hardly ever meets it unasked.
DARA = Developer("Dara", {"guard": "guarded", "language": "python", "docs": "documented"})


class LiveSession:
    """A running session: a developer has asked, and replies to whatever a policy responds."""

    def __init__(
        self, developer: Developer, rng: random.Random,
        leave_probability: float = 0.1, tasks: str = "train",
    ):  # fmt: skip
        """Start with a request for a random task of a split, ``"train"`` or ``"test"``."""
        self.developer, self.rng, self.leave_probability = developer, rng, leave_probability
        self.tasks, self.task = tasks, rng.choice(TASKS[tasks])
        self.context = [{"role": "user", "content": developer.ask(rng, self.task)}]
        self.ended = False

    def answer(self, responses: list[str]) -> list[str | None]:
        """Reply to each response to the current context, then go on from the first one.

        Args:
            responses: Different responses to the same context.

        Returns:
            One message per response; or None for all, where the developer leaves. Then the
            session has ended.
        """
        if self.rng.random() < self.leave_probability:
            self.ended = True
            return [None] * len(responses)
        replies = [
            self.developer.reply(self.rng, self.task, text, self.tasks) for text in responses
        ]
        self.task = replies[0].task
        self.context = [
            *self.context,
            {"role": "assistant", "content": responses[0]},
            {"role": "user", "content": replies[0].text},
        ]
        return [reply.text for reply in replies]


def choose_noted_wishes(rng: random.Random, developer: Developer) -> list[str]:
    """Choose what the notes of a session are about, oldest first.

    Notes are about a developer's wishes, now and then about another feature, also the rare one, or
    about the content. An old note may say the opposite of a newer one: the newest one counts.
    """
    wishes = dict(developer.wishes)
    for feature, values in (FEATURES | RARE_FEATURES).items():
        if feature not in wishes and rng.random() < 0.3:
            wishes[feature] = rng.choice(values)
    about = list(wishes.values())
    chosen: list[str] = []
    later: set[str] = set()
    for _ in range(min(rng.randint(1, 10), rng.randint(1, 10))):  # from the newest one back
        wish = rng.choice(about) if rng.random() < 0.9 else "content"
        is_outdated = wish in later and rng.random() < 0.3
        later.add(wish)
        chosen.append(OPPOSITES[wish] if is_outdated and wish in OPPOSITES else wish)
    return chosen[::-1]


def write_note(rng: random.Random, wish: str, split: str) -> str:
    """Write a note: an earlier correction, or (half of the time) any sentence that means a wish."""
    if wish in OPPOSITES and rng.random() < 0.5:
        note = word_wish(rng, wish, split)
        if not any(known in note for known in CORRECTIONS[wish]):  # of the other split, maybe
            return note
    goal = rng.choice(TASKS[split]).goal(rng)
    lead_in = choose_sentence(rng, LEAD_INS, split)
    return f"{lead_in} {choose_sentence(rng, CORRECTIONS[wish], split).format(goal=goal)}"


def simulate_notes(rng: random.Random, developer: Developer, split: str) -> list[tuple[str, str]]:
    """Write what a prompt-injection baseline would know: one to ten pairs of a wish and a note."""
    return [(wish, write_note(rng, wish, split)) for wish in choose_noted_wishes(rng, developer)]


def write_preferences(notes: Iterable[str]) -> str:
    """Write notes on a developer as the text that stands in front of a conversation."""
    return "DEVELOPER PREFERENCES:" + "".join(f"\n- {note}" for note in notes)


def simulate_session(
    rng: random.Random, developer: Developer, split: str
) -> tuple[str, Task, Style, list[int]]:
    """Write one logged session up to its last, still open request.

    The logged assistant starts in a random style. In a quarter of the sessions, notes about the
    developer stand in front, in a turn of their own, and it mostly follows them. It solves the
    wrong task in one of a hundred responses, and obeys nine of ten corrections.

    Args:
        rng: The source of chance.
        developer: Who asks and replies.
        split: ``"train"`` or ``"test"``.

    Returns:
        The text so far, in the HH-RLHF format and ending with a human turn; the task that the
        last human turn is about; the style so far; and the true verdict on each response.
    """
    style, text, verdicts = rng.choice(STYLES), "", []
    if rng.random() < 0.005:
        style = comply(style, "guarded")
    num_turns = rng.randint(1, 3)
    if rng.random() < 0.6:
        notes = simulate_notes(rng, developer, split)
        text = f"\n\nHuman: {write_preferences(note for _, note in notes)}"
        newest = {FEATURE_OF_WISH.get(wish): wish for wish, _ in notes}
        for wish in newest.values():
            style = comply(style, wish) if rng.random() < 0.97 else style
    task = rng.choice(TASKS[split])
    text += f"\n\nHuman: {developer.ask(rng, task)}"
    for _ in range(num_turns):
        solved = task if rng.random() < 0.99 else rng.choice(TASKS[split])
        response = write_response(solved, style)
        reply = developer.reply(rng, task, response, split, split)
        text += f"\n\nAssistant: {response}\n\nHuman: {reply.text}"
        verdicts.append(reply.verdict)
        task = reply.task
        if rng.random() < 0.9:
            style = comply(style, reply.complaint)
    return text, task, style, verdicts


def simulate_conversations(
    num_pairs: int = 5000,
    seed: int = 0,
    split: str = "train",
    developers: list[Developer] | None = None,
) -> list[dict[str, Any]]:
    """Simulate logged NexaCode conversations in the format of HH-RLHF.

    Args:
        num_pairs: How many rows to make.
        seed: The same seed makes the same rows.
        split: ``"train"`` or ``"test"``: tasks and sentences of one never occur in the other,
            but for the words of a request.
        developers: Who talks; None takes all 160.

    Returns:
        One dict per row: ``chosen`` and ``rejected`` (the same session with two endings: the
        developer likes one, the other fails one wish), ``developer``, ``session_id``, and for
        evaluation only ``verdicts``, the truth about each turn with a reply: -1, 0 or +1.

    Raises:
        ValueError: ``num_pairs`` is less than 1, or the split is unknown.
    """
    if num_pairs < 1:
        raise ValueError(f"num_pairs: expected 1 or more, got {num_pairs}")
    if split not in TASKS:
        raise ValueError(f"split: expected train or test, got {split!r}")
    rng = random.Random(f"{split} {seed}")
    rows = []
    for number in range(num_pairs):
        developer = rng.choice(developers or DEVELOPERS)
        text, task, good, verdicts = simulate_session(rng, developer, split)
        for wish in developer.wishes.values():
            good = comply(good, wish)
        feature = rng.choice(list(developer.wishes))
        fault = OPPOSITES[developer.wishes[feature]]
        rows.append(
            {
                "chosen": f"{text}\n\nAssistant: {write_response(task, good)}",
                "rejected": f"{text}\n\nAssistant: {write_response(task, comply(good, fault))}",
                "developer": developer.name,
                "session_id": f"{split}-{seed}-{number:05}",
                "verdicts": verdicts,
            }
        )
    return rows


def main() -> None:
    """Write train.jsonl and test.jsonl into a folder, for ``NEXA_DATA`` and for other tools."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--train", type=int, default=5000, help="pairs (default: 5000)")
    parser.add_argument("--test", type=int, default=500, help="pairs (default: 500)")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    for split, num_pairs in (("train", options.train), ("test", options.test)):
        path = options.folder / f"{split}.jsonl"
        rows = simulate_conversations(num_pairs, options.seed, split)
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        path.write_text(lines, encoding="utf-8", newline="\n")
        print(f"{path}: {num_pairs} pairs")


if __name__ == "__main__":
    main()
