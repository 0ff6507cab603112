def collect_rollouts(
    policy,
    developer,
    tokenizer,
    num_sessions=8,
    turns_per_session=2,
    group_size=4,
    max_new_tokens=96,
    seed=0,
):
    chance = random.Random(seed)
    waiting = deque((i, 0, LiveSession(developer, chance)) for i in range(num_sessions))
    found = []
    while waiting:
        i, turn, session = waiting.popleft()
        if turn >= turns_per_session:
            continue
        before = copy.deepcopy(session.context)
        group = sample_responses(
            policy, [before for _ in range(group_size)], tokenizer, max_new_tokens
        )
        said = session.answer([one["response"] for one in group])
        for one, reply in zip(group, said):
            found.append(
                dict(
                    session=i,
                    turn=turn,
                    context=before,
                    response=one["response"],
                    feedback=reply,
                    response_ids=one["response_ids"],
                    log_probs_old=one["log_probs"],
                    loss_mask=float(reply is not None),
                )
            )
        if not session.ended:
            waiting.append((i, turn + 1, session))
    return found
