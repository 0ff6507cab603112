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

    def play(sessions, turn):
        running = {n: s for n, s in sessions.items() if not s.ended}
        if turn == turns_per_session or not running:
            return []
        before = {n: s.context for n, s in running.items()}
        flat = [context for context in before.values() for _ in range(group_size)]
        samples = iter(sample_responses(policy, flat, tokenizer, max_new_tokens))
        records = []
        for n, s in running.items():
            group = [next(samples) for _ in range(group_size)]
            replies = s.answer([g["response"] for g in group])
            records += [
                dict(
                    session=n,
                    turn=turn,
                    context=before[n],
                    response=g["response"],
                    feedback=reply,
                    response_ids=g["response_ids"],
                    log_probs_old=g["log_probs"],
                    loss_mask=1.0 if isinstance(reply, str) else 0.0,
                    answered=reply is not None,
                )
                for g, reply in zip(group, replies)
            ]
        return records + play(running, turn + 1)

    return play({n: LiveSession(developer, rng) for n in range(num_sessions)}, 0)
