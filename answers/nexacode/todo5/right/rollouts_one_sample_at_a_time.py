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
    policy.eval()
    sessions = [LiveSession(developer, random.Random(f"{seed}-{n}")) for n in range(num_sessions)]
    records = []
    turn = 0
    while turn < turns_per_session and not all(s.ended for s in sessions):
        for number, session in enumerate(sessions):
            if session.ended:
                continue
            context = copy.deepcopy(session.context)
            group = []
            while len(group) < group_size:
                (sample,) = sample_responses(
                    policy, [context], tokenizer, max_new_tokens=max_new_tokens
                )
                group.append(sample)
            feedback = session.answer([sample["response"] for sample in group])
            for sample, text in zip(group, feedback, strict=True):
                record = dict(sample)
                record["log_probs_old"] = torch.tensor(record.pop("log_probs"))
                record.update(session=number + 1, turn=turn + 1, context=context, feedback=text)
                record["loss_mask"] = torch.tensor(0.0 if text is None else 1.0)
                records.append(record)
        turn += 1
    return records
