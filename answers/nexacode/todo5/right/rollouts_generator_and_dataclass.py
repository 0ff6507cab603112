from dataclasses import asdict, dataclass


@dataclass
class Rollout:
    session: int
    turn: int
    context: list
    response: str
    feedback: str | None
    response_ids: list
    log_probs_old: list
    loss_mask: float


def collect_rollouts(
    policy,
    developer,
    tokenizer,
    num_sessions=4,
    turns_per_session=2,
    group_size=8,
    max_new_tokens=96,
    seed=0,
):
    def play(number, session):
        for turn in range(turns_per_session):
            context = list(session.context)
            samples = sample_responses(
                policy, [context for _ in range(group_size)], tokenizer, max_new_tokens
            )
            answers = session.answer([sample["response"] for sample in samples])
            for answer, sample in zip(answers, samples):
                yield Rollout(
                    number,
                    turn,
                    context,
                    sample["response"],
                    answer,
                    sample["response_ids"],
                    sample["log_probs"],
                    0.0 if answer is None else 1.0,
                )
            if session.ended:
                return

    random.seed(seed)  # the module itself can serve as the source of chance
    sessions = [LiveSession(developer, random) for _ in range(num_sessions)]
    return [asdict(rollout) for n, s in enumerate(sessions) for rollout in play(n, s)]
