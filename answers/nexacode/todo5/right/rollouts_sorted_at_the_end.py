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
    generator = random.Random(seed)
    live = [(i, LiveSession(developer, generator)) for i in range(num_sessions)]
    groups = {}
    for turn in range(turns_per_session):
        contexts = [(i, copy.deepcopy(session.context)) for i, session in live]
        samples = (
            sample_responses(
                policy,
                [c for _, c in contexts for _ in range(group_size)],
                tokenizer,
                max_new_tokens,
            )
            if contexts
            else []
        )
        chunks = [samples[k : k + group_size] for k in range(0, len(samples), group_size)]
        for (i, session), (_, context), chunk in zip(live, contexts, chunks):
            replies = session.answer([one["response"] for one in chunk])
            groups[i, turn] = [
                {
                    "session": i,
                    "turn": turn,
                    "context": context,
                    "feedback": reply,
                    "response": one["response"],
                    "response_ids": tuple(one["response_ids"]),
                    "log_probs_old": np.array(one["log_probs"]),
                    "loss_mask": reply is not None,
                }
                for one, reply in zip(chunk, replies)
            ]
        live = [(i, session) for i, session in live if not session.ended]
    return [record for key in sorted(groups) for record in groups[key]]
