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
    sessions = [LiveSession(developer, rng) for _ in range(num_sessions)]
    records = []
    for turn in range(turns_per_session):
        for number, session in enumerate(sessions):
            if session.ended:
                continue
            context = session.context
            samples = sample_responses(policy, [context] * group_size, tokenizer, max_new_tokens)
            responses = [sample["response"] for sample in samples]
            answers = session.answer(responses[::-1])[::-1]
            for sample, answer in zip(samples, answers):
                records.append(
                    {
                        "session": number,
                        "turn": turn,
                        "context": context,
                        "response": sample["response"],
                        "feedback": answer,
                        "response_ids": sample["response_ids"],
                        "log_probs_old": sample["log_probs"],
                        "loss_mask": 0.0 if answer is None else 1.0,
                    }
                )
    return records
