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
    random.seed(seed)
    was_training = policy.training
    sessions = {k: LiveSession(developer, random) for k in range(100, 100 + num_sessions)}
    fields = (
        "session",
        "turn",
        "context",
        "response",
        "feedback",
        "response_ids",
        "log_probs_old",
        "loss_mask",
    )
    rollouts = []
    for turn in range(1, turns_per_session + 1):
        for key in list(sessions):
            session = sessions[key]
            context = [dict(t) for t in session.context]
            repeated = [context for _ in range(group_size)]
            samples = sample_responses(policy, repeated, tokenizer, max_new_tokens)
            feedback = session.answer([s["response"] for s in samples])
            if session.ended:
                sessions.pop(key)
            masks = [0.0] * group_size if session.ended else [1.0] * group_size
            for s, f, m in zip(samples, feedback, masks):
                values = (
                    key,
                    turn,
                    context,
                    s["response"],
                    f,
                    s["response_ids"],
                    s["log_probs"],
                    m,
                )
                rollouts.append(dict(zip(fields, values)))
    policy.train(was_training)
    return rollouts
