"""Simulated NexaCode developers: people who ask, answer, and have known preferences.

Each developer prefers one language, one level of detail and one comment style, and never says
so in advance. They answer a response with praise, with a correction of the first thing that is
wrong, or (rarely) not at all. Because the preferences are known, personalisation can be
measured against the truth. What is left out: typing errors, moods, taste that changes in time.
"""

import random
from dataclasses import dataclass, replace
from itertools import product


@dataclass(frozen=True)
class Task:
    """One small programming task: the goal in words and one correct line in each language."""

    goal: str
    name: str
    python: str
    javascript: str
    reason: str


TASKS = [
    Task("reverse a list", "reverse", "xs[::-1]", "[...xs].reverse()", "reads from the end"),
    Task("sum a list", "total", "sum(xs)", "xs.reduce((a, b) => a + b, 0)", "adds each number"),
    Task("sort a list", "order", "sorted(xs)", "[...xs].sort()", "puts small values first"),
    Task("count the items", "count", "len(xs)", "xs.length", "asks for the length"),
    Task("get the last item", "last", "xs[-1]", "xs.at(-1)", "counts from the end"),
    Task("get the first item", "first", "xs[0]", "xs[0]", "counts from zero"),
    Task("find the largest value", "largest", "max(xs)", "Math.max(...xs)", "compares all values"),
    Task("find the smallest value", "smallest", "min(xs)", "Math.min(...xs)", "keeps the least"),
    Task("drop duplicates", "unique", "list(set(xs))", "[...new Set(xs)]", "uses a set"),
    Task("join words", "join", "' '.join(xs)", "xs.join(' ')", "puts spaces between words"),
    Task("copy a list", "copy", "list(xs)", "[...xs]", "makes a new list"),
    Task("check for an empty list", "empty", "not xs", "xs.length === 0", "looks for any item"),
    Task("keep even numbers", "evens", "[x for x in xs if x % 2 == 0]",
         "xs.filter(x => x % 2 === 0)", "tests each remainder"),
    Task("double each number", "double", "[2 * x for x in xs]", "xs.map(x => 2 * x)",
         "visits each number once"),
    Task("square each number", "square", "[x * x for x in xs]", "xs.map(x => x * x)",
         "multiplies each number by itself"),
    Task("make words upper case", "upper", "[x.upper() for x in xs]",
         "xs.map(x => x.toUpperCase())", "converts word by word"),
]  # fmt: skip

REQUESTS = [
    "Write a function to {goal}.",
    "How do I {goal}?",
    "I need code to {goal}.",
    "Please show me how to {goal}.",
]
PRAISE = ["Perfect, thanks.", "Great, that is it.", "Yes, exactly.", "Thanks, good.", "That works."]
CORRECTIONS = {
    "content": [
        "That is wrong: it should {goal}.",
        "Incorrect, I asked how to {goal}.",
        "Thanks, but the code is wrong. Please {goal}.",
    ],
    "python": ["No, I asked for Python.", "Not JavaScript, Python.", "Please use Python."],
    "javascript": ["No, I asked for JavaScript.", "Not Python, JavaScript.", "Use JavaScript."],
    "brief": ["Too long, no explanation please.", "Good, but not so long.", "Only the code."],
    "detailed": ["Not enough detail, explain it.", "No, that is too short.", "Please explain it."],
    "commented": ["Wrong style: add a comment.", "Good, but not without a comment."],
    "plain": ["Wrong style: no comment lines.", "Please drop the comment."],
}
PART_OF_WISH = {
    "python": "language", "javascript": "language", "brief": "detail", "detailed": "detail",
    "plain": "comments", "commented": "comments",
}  # fmt: skip


@dataclass(frozen=True)
class Style:
    """How a response is written; also what a developer prefers."""

    language: str = "python"  # or "javascript"
    detail: str = "brief"  # or "detailed"
    comments: str = "plain"  # or "commented"


def write_response(task: Task, style: Style) -> str:
    """Write the response to a task in a given style.

    Args:
        task: What was asked.
        style: The language, detail and comments to use.

    Returns:
        The text of the response.
    """
    if style.language == "python":
        comment, code = "# ", f"def {task.name}(xs):\n    return {task.python}"
    else:
        comment, code = "// ", f"function {task.name}(xs) {{\n  return {task.javascript};\n}}"
    if style.comments == "commented":
        code = f"{comment}{task.goal}\n{code}"
    if style.detail == "detailed":
        code += f"\nThis works because it {task.reason}. Call {task.name} with your list."
    return code


def read_style(response: str) -> Style:
    """Tell the style of any response, also of one that a model wrote.

    Args:
        response: The text of the response.

    Returns:
        The style that a reader would see.
    """
    lines = response.split("\n")
    return Style(
        language="python" if any(line.startswith("def ") for line in lines) else "javascript",
        detail="detailed" if "This works because" in response else "brief",
        comments="commented" if lines[0].startswith(("#", "//")) else "plain",
    )


def is_right(task: Task, response: str) -> bool:
    """Tell whether a response solves the task in one of the two languages.

    Args:
        task: What was asked.
        response: The text of the response.

    Returns:
        True if one of the task's two functions stands in the response, letter by letter.
    """
    codes = [write_response(task, Style(language=name)) for name in ("python", "javascript")]
    return any(code in response for code in codes)


@dataclass(frozen=True)
class Developer:
    """A simulated developer with a name and a preferred style."""

    name: str
    style: Style

    def ask(self, rng: random.Random, task: Task) -> str:
        """Ask for a task, in words that do not tell the preferred style."""
        return rng.choice(REQUESTS).format(goal=task.goal)

    def complaint(self, task: Task, response: str) -> str | None:
        """Name the first thing that is wrong: content, language, detail, comments; or None."""
        seen = read_style(response)
        if not is_right(task, response):
            return "content"
        for part in ("language", "detail", "comments"):
            if getattr(seen, part) != getattr(self.style, part):
                return str(getattr(self.style, part))
        return None

    def answer(self, rng: random.Random, task: Task, response: str) -> tuple[str, Task]:
        """Answer a response: praise and a new request, or a correction of the first complaint.

        Returns:
            The message, and the task that it is about.
        """
        complaint = self.complaint(task, response)
        if complaint is None:
            next_task = rng.choice(TASKS)
            return f"{rng.choice(PRAISE)} {self.ask(rng, next_task)}", next_task
        return rng.choice(CORRECTIONS[complaint]).format(goal=task.goal), task


DEVELOPERS = [
    Developer(f"{language}-{detail}-{comments}", Style(language, detail, comments))
    for language, detail, comments in product(
        ("python", "javascript"), ("brief", "detailed"), ("plain", "commented")
    )
]


class LiveSession:
    """A running session: a developer has asked, and answers whatever a policy responds."""

    def __init__(self, developer: Developer, rng: random.Random, leave_probability: float = 0.1):
        """Start with a request for a random task."""
        self.developer, self.rng, self.leave_probability = developer, rng, leave_probability
        self.task = rng.choice(TASKS)
        self.context = [{"role": "user", "content": developer.ask(rng, self.task)}]
        self.ended = False

    def answer(self, responses: list[str]) -> list[str | None]:
        """Answer each response to the current context, then go on from the first one.

        Args:
            responses: Different responses to the same context.

        Returns:
            One message a response; or None for all, where the developer leaves. Then the
            session has ended.
        """
        if self.rng.random() < self.leave_probability:
            self.ended = True
            return [None] * len(responses)
        answers = [self.developer.answer(self.rng, self.task, text) for text in responses]
        message, self.task = answers[0]
        self.context = [
            *self.context,
            {"role": "assistant", "content": responses[0]},
            {"role": "user", "content": message},
        ]
        return [text for text, _ in answers]


def simulate_session(rng: random.Random, developer: Developer) -> tuple[str, Task]:
    """Write one logged session up to its last, still unanswered request.

    The logged assistant starts in a random style. In three of ten sessions, notes about the
    developer stand in front, in a turn of their own, and it mostly follows them. It solves the
    wrong task in one of ten responses, and obeys three of four corrections.

    Args:
        rng: The source of chance.
        developer: Who asks and answers.

    Returns:
        The text so far, in the HH-RLHF format and ending with a human turn; and the task that
        the last human turn is about.
    """
    style, notes = rng.choice(DEVELOPERS).style, []
    if rng.random() < 0.3:
        for _ in range(rng.randint(1, 8)):
            part = rng.choice(["language", "detail", "comments", "content"])
            wish = getattr(developer.style, part, "content")
            goal = rng.choice(TASKS).goal
            notes.append(f"\n- {rng.choice(CORRECTIONS[wish]).format(goal=goal)}")
            if wish in PART_OF_WISH and rng.random() < 0.9:
                style = replace(style, **{part: wish})
    text = "\n\nHuman: DEVELOPER PREFERENCES:" + "".join(notes) if notes else ""
    task = rng.choice(TASKS)
    text += f"\n\nHuman: {developer.ask(rng, task)}"
    for _ in range(rng.randint(1, 3)):
        response = write_response(task if rng.random() < 0.9 else rng.choice(TASKS), style)
        complaint = developer.complaint(task, response)
        answer, task = developer.answer(rng, task, response)
        text += f"\n\nAssistant: {response}\n\nHuman: {answer}"
        if complaint in PART_OF_WISH and rng.random() < 0.75:
            style = replace(style, **{PART_OF_WISH[complaint]: complaint})
    return text, task


def simulate_conversations(num_pairs: int = 1200, seed: int = 0) -> list[dict[str, str]]:
    """Simulate logged NexaCode conversations in the format of HH-RLHF.

    Args:
        num_pairs: How many rows to make.
        seed: The same seed makes the same rows.

    Returns:
        One dict a row with ``chosen`` and ``rejected``: the same session with two endings, one
        as the developer likes it and one with one fault.

    Raises:
        ValueError: ``num_pairs`` is less than 1.
    """
    if num_pairs < 1:
        raise ValueError(f"num_pairs: expected 1 or more, got {num_pairs}")
    rng = random.Random(seed)
    rows = []
    for _ in range(num_pairs):
        developer = rng.choice(DEVELOPERS)
        text, task = simulate_session(rng, developer)
        good = write_response(task, developer.style)
        wish = rng.choice(list(PART_OF_WISH))
        faulty_style = replace(developer.style, **{PART_OF_WISH[wish]: wish})
        if faulty_style == developer.style:  # no fault in the style: then solve another task
            task = rng.choice([other for other in TASKS if other != task])
        bad = write_response(task, faulty_style)
        rows.append(
            {
                "chosen": f"{text}\n\nAssistant: {good}",
                "rejected": f"{text}\n\nAssistant: {bad}",
            }
        )
    return rows
