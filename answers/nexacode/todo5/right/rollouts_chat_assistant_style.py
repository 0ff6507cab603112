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
    """Collects on-policy rollouts from simulated developer sessions."""
    # One shared random generator so that the sessions differ
    rng = random.Random(seed)
    sessions = [LiveSession(developer, rng) for _ in range(num_sessions)]
    records = []

    for turn in range(turns_per_session):
        for session_id, session in enumerate(sessions):
            # Skip sessions whose developer has already left
            if session.ended:
                continue

            # IMPORTANT: keep the context before `answer` moves the session on
            context = list(session.context)

            # Sample a group of responses to the same context
            samples = sample_responses(
                policy, [context] * group_size, tokenizer, max_new_tokens=max_new_tokens
            )
            feedback_list = session.answer([s["response"] for s in samples])

            # Store one record per response
            for sample, feedback in zip(samples, feedback_list):
                has_next_state = feedback is not None
                records.append(
                    {
                        "session": session_id,
                        "turn": turn,
                        "context": context,
                        "response": sample["response"],
                        "feedback": feedback,
                        "response_ids": list(sample["response_ids"]),
                        "log_probs_old": list(sample["log_probs"]),
                        "loss_mask": 1.0 if has_next_state else 0.0,
                    }
                )

    return records
