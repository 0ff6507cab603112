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
    rng = random.Random(seed)
    records = []
    for number in range(num_sessions):
        session = LiveSession(developer, rng)
        for turn in range(turns_per_session):
            if session.ended:
                break
            context = session.context
            samples = sample_responses(policy, [context] * group_size, tokenizer, max_new_tokens)
            answers = session.answer([s["response"] for s in samples])
            for s, answer in zip(samples, answers):
                records.append(
                    {
                        "session": number,
                        "turn": turn,
                        "context": context,
                        "response": s["response"],
                        "feedback": answer,
                        "response_ids": s["response_ids"],
                        "log_probs_old": s["log_probs"],
                        "loss_mask": float(answer is not None),
                    }
                )
    return records
