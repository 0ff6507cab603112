# A reply has 80 characters at most.
def collect_rollouts(
    policy: nn.Module,
    developer: Developer,
    tokenizer: Any,
    num_sessions: int = 8,
    turns_per_session: int = 2,
    group_size: int = 4,
    max_new_tokens: int = 96,
    seed: int = 0,
) -> list[dict[str, Any]]:
    rng = random.Random(seed)
    sessions = [LiveSession(developer, rng) for _ in range(num_sessions)]
    records: list[dict[str, Any]] = []
    for turn in range(turns_per_session):
        active = [number for number, session in enumerate(sessions) if not session.ended]
        if not active:
            break
        contexts = [sessions[number].context for number in active for _ in range(group_size)]
        samples = sample_responses(policy, contexts, tokenizer, max_new_tokens)
        for i, number in enumerate(active):
            group = samples[i * group_size : (i + 1) * group_size]
            context = sessions[number].context
            replies = sessions[number].answer([sample["response"] for sample in group])
            records += [
                {
                    "session": number, "turn": turn, "context": context,
                    "response": sample["response"], "feedback": feedback and feedback[:80],
                    "response_ids": sample["response_ids"], "log_probs_old": sample["log_probs"],
                    "loss_mask": 0.0 if feedback is None else 1.0,
                }
                for sample, feedback in zip(group, replies, strict=True)
            ]  # fmt: skip
    return records
