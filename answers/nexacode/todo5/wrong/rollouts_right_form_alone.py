# one record for each response with all keys, but nobody speaks
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
    return [
        {
            "session": session,
            "turn": turn,
            "context": [],
            "response": "",
            "feedback": "",
            "response_ids": [0],
            "log_probs_old": [0.0],
            "loss_mask": 1.0,
        }
        for session in range(num_sessions)
        for turn in range(turns_per_session)
        for _ in range(group_size)
    ]
