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
    # The policy has not changed since sampling, so scoring the sampled ids again is the same.
    rng = random.Random(seed)
    sessions = [LiveSession(developer, rng) for _ in range(num_sessions)]
    done = []
    for turn in range(turns_per_session):
        for number, session in enumerate(sessions):
            if session.ended:
                continue
            samples = sample_responses(
                policy, group_size * [session.context], tokenizer, max_new_tokens=max_new_tokens
            )
            records = [
                {"session": number, "turn": turn, "context": session.context, **sample}
                for sample in samples
            ]
            ids = [sample["response_ids"] for sample in samples]
            batch = encode_examples(records, tokenizer, response_ids=ids)
            with torch.no_grad():
                scores = response_log_probs(policy, batch)
            answers = session.answer([record["response"] for record in records])
            for record, answer, row in zip(records, answers, scores.tolist()):
                del record["log_probs"]
                record["log_probs_old"] = row[: len(record["response_ids"])]
                record["feedback"] = answer
                record["loss_mask"] = int(answer is not None)
            done.extend(records)
    return done
