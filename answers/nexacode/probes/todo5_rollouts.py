"""TODO 5: rollouts with developers whose replies are drawn."""

import random
from collections import Counter
from typing import Any

from nexa_grade.second_look.probe import Probe, nearly_equal

from .shared import Namespace, lively_policy, phrase


def draw_sessions(rng: random.Random) -> dict[str, Any]:
    """Draw requests, replies, and where a developer leaves."""
    sessions, turns, group = rng.randint(2, 4), rng.randint(2, 3), rng.randint(2, 4)
    replies = [
        [
            [f"{phrase(rng) * rng.choice((1, 20))} s{s} t{t} i{i}" for i in range(group)]
            for t in range(turns)
        ]
        for s in range(sessions)
    ]
    return {
        "group": group,
        "turns": turns,
        "requests": [f"{phrase(rng)} s{s}" for s in range(sessions)],
        "replies": replies,
        "leaves": [rng.randint(0, turns), *[turns] * (sessions - 1)],
        "seed": rng.randrange(10**6),
    }


def call_roll(namespace: Namespace, given: dict[str, Any]) -> Any:
    """Collect rollouts with developers whose replies are drawn."""
    return roll(namespace, given, [10**6] * len(given["requests"]))


def call_roll_groups(namespace: Namespace, given: dict[str, Any]) -> Any:
    """The same, with developers who leave."""
    return roll(namespace, given, given["leaves"])


def roll(namespace: Namespace, given: dict[str, Any], leaves: list[int]) -> Any:
    """Collect rollouts, and say of each record what can be compared."""
    torch, made, said = namespace["torch"], [], []

    class Session(namespace["LiveSession"]):  # type: ignore[misc]
        """A session whose request and replies are drawn."""

        def __init__(self, developer: Any, rng: Any, *_: Any, **__: Any) -> None:
            self.developer, self.rng, self.ended, self.turn = developer, rng, False, 0
            self.number = len(made) % len(given["requests"])
            made.append(self)
            self.context = [{"role": "user", "content": given["requests"][self.number]}]

        def answer(self, responses: list[str]) -> list[str | None]:
            if self.turn >= leaves[self.number]:
                self.ended = True
                said.extend([text, None] for text in responses)
                return [None] * len(responses)
            replies = given["replies"][self.number][self.turn % given["turns"]][: len(responses)]
            self.turn += 1
            said.extend(map(list, zip(responses, replies, strict=True)))
            self.context = [
                *self.context,
                {"role": "assistant", "content": responses[0]},
                {"role": "user", "content": replies[0]},
            ]
            return list(replies)

    tokenizer = namespace["check_tokenizer"]()
    policy = lively_policy(namespace, tokenizer, given["seed"])
    namespace["set_seed"](given["seed"])
    with namespace["quiet"](), namespace["replaced"](namespace, LiveSession=Session):
        records = namespace["collect_rollouts"](
            policy, namespace["DEVELOPERS"][0], tokenizer, len(given["requests"]), given["turns"],
            given["group"], 4, given["seed"],
        )  # fmt: skip
    results = []
    for record in records:
        ids, noted = list(record["response_ids"]), list(map(float, record["log_probs_old"]))
        one = {"context": list(record["context"]), "response": ""}
        batch = namespace["encode_examples"]([one], tokenizer, response_ids=[ids])
        with torch.no_grad():
            right = namespace["response_log_probs"](policy, batch)[0].tolist()
        users = [turn["content"] for turn in record["context"] if turn["role"] == "user"]
        results.append({
            "users": users, "session": int(record["session"]), "turn": int(record["turn"]),
            "is_said": [record["response"], record["feedback"]] in said,
            "feedback": record["feedback"], "mask": float(record["loss_mask"]), "count": len(noted),
            "is_close": len(right) == len(noted)
            and all(abs(a - b) < 1e-3 for a, b in zip(right, noted)),
        })  # fmt: skip
    return results


def are_records(expected: list[Any], got: list[Any]) -> bool:
    """Tell whether each response has an answered record; an empty one may be left out."""
    is_answered = all(isinstance(one["feedback"], str) and one["mask"] == 1.0 for one in got)
    is_short = all(0 <= one["count"] <= 4 and one["is_said"] for one in got)
    return is_answered and is_short and len(expected) / 2 <= len(got) <= len(expected)


def same_groups(expected: list[Any], got: list[Any]) -> bool:
    """Compare records in any order of groups; a group stands together, in its own order."""

    def content(records: list[Any]) -> list[Any]:
        return sorted([one["users"], str(one["feedback"]), one["mask"]] for one in records)

    if not nearly_equal(content(expected), content(got)) or not all(one["is_close"] for one in got):
        return False
    key = {}
    group = Counter(tuple(one["users"]) for one in expected)
    for users, size in group.items():
        places = [i for i, one in enumerate(got) if tuple(one["users"]) == users]
        order = [one["feedback"] for one in expected if tuple(one["users"]) == users]
        if places != list(range(places[0], places[0] + size)):
            return False
        if [got[i]["feedback"] for i in places] != order:
            return False
        labels = {(got[i]["session"], got[i]["turn"] - len(users)) for i in places}
        key.setdefault(users[0], set()).update(labels)
    one_label_each = all(len(labels) == 1 for labels in key.values())
    return one_label_each and len(
        {session for labels in key.values() for session, _ in labels}
    ) == len(key)


PROBES = [
    Probe(("todo5-test-rollouts",), draw_sessions, call_roll, agrees=are_records, cases=1),
    Probe(
        ("todo5-test-rollout-groups",), draw_sessions, call_roll_groups, agrees=same_groups,
        cases=1,
    ),
]  # fmt: skip
