"""How developers put a wish into words: a small grammar, for the notes on their preferences.

A sentence has an opener (often none) and a frame, such as "Remember to {do}." Into the frame goes
an action (a verb and an object: "add a test") or a thing ("functions with tests"). In every list,
each fourth part is kept for the test split, and so is each fourth pair of verb and object: no
construction and no action of a test sentence occurs in training, though their words do.
"""

import random

FRAMES = {
    # {do}: an action that meets the wish.
    "do": [
        "{do}.", "Please {do}.", "Always {do}.", "Could you {do}?",
        "You should {do}.", "I want you to {do}.", "{do}, please.", "It is time to {do}.",
        "Remember to {do}.", "From now on, {do}.", "I like it when you {do}.",
        "I ask you to {do}.",
        "Next time, {do}.", "Do not forget to {do}.", "You have to {do}.", "Try to {do}.",
        "We always {do}.", "My team likes to {do}.", "It is better to {do}.",
        "Here you have to {do}.",
        "Make sure that you {do}.", "I would {do}.", "Could you please {do}?", "Let us {do}.",
        "Each time, {do}.", "I always ask you to {do}.", "It would be good to {do}.",
        "The rule is to {do}.",
        "The rule: {do}.", "Here we {do}.", "All of us {do}.", "You should always {do}.",
    ],
    # {avoid}: an action that meets the opposite wish.
    "avoid": [
        "Do not {avoid}.", "Never {avoid}.", "Please do not {avoid}.", "We do not {avoid}.",
        "You should not {avoid}.", "I never {avoid}.", "I do not want you to {avoid}.",
        "Please never {avoid}.",
        "Here we never {avoid}.", "Try not to {avoid}.", "I do not like it when you {avoid}.",
        "You should never {avoid}.",
        "It is wrong to {avoid}.", "From now on, do not {avoid}.", "It is better not to {avoid}.",
        "Next time, do not {avoid}.",
    ],
    # {thing}: what the developer would like to see.
    "thing": [
        "I want {thing}.", "{thing}, please.", "Give me {thing}.", "I would like {thing}.",
        "I like {thing}.", "I need {thing}.", "We write {thing}.", "My team wants {thing}.",
        "I asked for {thing}.", "It should be {thing}.", "{thing} would be better.",
        "Please give me {thing}.",
        "My rule: {thing}.", "I always want {thing}.", "We like {thing}.", "Here we need {thing}.",
        "Next time I want {thing}.", "Please write {thing}.", "All of us write {thing}.",
        "{thing} from now on.",
    ],
}  # fmt: skip
OPENERS = [
    "Note:", "In this project:", "As a rule:", "In my project:", "One wish:", "My style:",
    "For my code:", "A wish:",
]  # fmt: skip
ADD = ["add", "write", "include", "provide", "put in", "show", "give me"]
DROP = ["drop", "omit", "skip", "remove", "leave out", "cut", "do without"]
CHOOSE = ["use", "write", "choose", "take", "prefer", "stay with", "go with"]
PARTS = {  # (one, many, something more) that a response may contain or lack
    ("typed", "untyped"): ("type hint", "type hints", "types"),
    ("documented", "undocumented"): ("docstring", "docstrings", "documentation"),
    ("tested", "untested"): ("test", "tests", "test code"),
    ("explained", "brief"): ("sentence about the code", "explanations", "explanation"),
    ("guarded", "unguarded"): ("guard", "guards", "guards against empty lists"),
}
CHOICES = {
    "python": ["Python", "Python code", "plain Python", "the Python language"],
    "javascript": ["JavaScript", "JavaScript code", "plain JavaScript", "the JavaScript language"],
    "snake_case": ["names in snake_case", "a name in snake_case", "the snake_case style",
                   "function names in snake_case"],
    "camelCase": ["names in camelCase", "a name in camelCase", "the camelCase style",
                  "function names in camelCase"],
}  # fmt: skip
EXTRA_ACTIONS = {
    "explained": ["explain the code", "explain it", "tell me how it works", "explain the function"],
    "brief": ["keep it short", "write only the code", "give me only the code", "be brief"],
    "documented": ["document the function", "document the code", "document each function"],
    "tested": ["test the function", "test the code", "test each function"],
    "typed": ["annotate the argument", "write the type", "add the type"],
    "untyped": ["drop the type", "leave out the type", "omit the type"],
    "guarded": ["check for an empty list", "guard against an empty list", "think of empty lists"],
}


def pick_split(items: list[str], split: str) -> list[str]:
    """Pick the items of a split: each fourth one is for the test split, the others for training."""
    return [item for i, item in enumerate(items) if (i % 4 == 3) == (split == "test")]


def combine(verbs: list[str], objects: list[str], split: str) -> list[str]:
    """Combine verbs and objects; one pair in four is for the test split."""
    return [
        f"{verb} {thing}"
        for i, verb in enumerate(verbs)
        for j, thing in enumerate(objects)
        if ((i + j) % 4 == 3) == (split == "test")
    ]


def list_words(split: str) -> dict[str, dict[str, list[str]]]:
    """List the actions ("do") and the things ("thing") that mean each wish, in one split."""
    words: dict[str, tuple[list[str], list[str], list[str]]] = {}
    for (wish, opposite), (one, many, more) in PARTS.items():
        add = [f"a {one}", many, f"the {one}", f"a {one} for each function", f"some {more}", more]
        drop = [f"the {one}", many, f"any {one}", f"every {one}", f"all {many}", more]
        having = [f"code with a {one}", many, f"functions with {many}", f"code with {more}",
                  f"a {one}", f"code with {many}", f"functions with a {one}",
                  f"functions with {more}"]  # fmt: skip
        lacking = [f"code without a {one}", f"no {many}", f"functions without {many}",
                   f"code without {more}", f"no {one}", f"code without {many}",
                   f"functions without a {one}", f"functions without {more}"]  # fmt: skip
        words |= {wish: (ADD, add, having), opposite: (DROP, drop, lacking)}
    words |= {wish: (CHOOSE, names, names) for wish, names in CHOICES.items()}
    return {
        wish: {
            "do": combine(verbs, objects, split) + pick_split(EXTRA_ACTIONS.get(wish, []), split),
            "thing": pick_split(things, split),
        }
        for wish, (verbs, objects, things) in words.items()
    }


WORDS = {split: list_words(split) for split in ("train", "test")}
OPPOSITES = {wish: other for pair in PARTS for wish, other in (pair, pair[::-1])} | {
    "python": "javascript", "javascript": "python",
    "snake_case": "camelCase", "camelCase": "snake_case",
}  # fmt: skip


def word_wish(rng: random.Random, wish: str, split: str = "train") -> str:
    """Put a wish into words.

    Args:
        rng: The source of chance.
        wish: A value of a feature, such as ``"tested"``.
        split: ``"train"`` or ``"test"``: which parts to use.

    Returns:
        A sentence, for half of the time with an opener.
    """
    kind = rng.choices(list(FRAMES), [5, 1, 3])[0]
    meant = OPPOSITES[wish] if kind == "avoid" else wish
    part = rng.choice(WORDS[split][meant]["thing" if kind == "thing" else "do"])
    frame = rng.choice(pick_split(FRAMES[kind], split))
    sentence = frame.format(**{kind: part})
    sentence = sentence[0].upper() + sentence[1:]
    return (
        f"{rng.choice(pick_split(OPENERS, split))} {sentence}" if rng.random() < 0.5 else sentence
    )
