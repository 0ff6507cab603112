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
    records = []
    for turn in range(turns_per_session):
        active = [i for i, session in enumerate(sessions) if not session.ended]
        if not active:
            break
        contexts = [sessions[i].context for i in active] * group_size
        samples = sample_responses(policy, contexts, tokenizer, max_new_tokens=max_new_tokens)
        for k, number in enumerate(active):
            session = sessions[number]
            group = samples[k * group_size : (k + 1) * group_size]
            context = list(session.context)  # before the session moves on
            replies = session.answer([sample["response"] for sample in group])
            for sample, reply in zip(group, replies):
                records.append(
                    {
                        "session": number,
                        "turn": turn,
                        "context": context,
                        "response": sample["response"],
                        "feedback": reply,
                        "response_ids": sample["response_ids"],
                        "log_probs_old": sample["log_probs"],
                        "loss_mask": 0.0 if reply is None else 1.0,
                    }
                )
    return records
