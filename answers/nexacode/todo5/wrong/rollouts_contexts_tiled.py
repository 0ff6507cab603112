def collect_rollouts(
    policy: nn.Module,
    developer: Developer,
    tokenizer: Any,
    num_sessions: int = 8,
    turns_per_session: int = 2,
    group_size: int = 4,
    max_new_tokens: int = 96,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """Let the policy work with a simulated developer, and keep all that training needs.

    At each turn of a session the policy samples ``group_size`` responses to the same
    context (a group), and the developer replies to each one. The session goes on from
    the first response of the group. Where the developer leaves without a reply, the
    group has no next state and the session ends.

    Args:
        policy: Samples the responses.
        developer: Asks for tasks and replies.
        tokenizer: The tokenizer of the policy.
        num_sessions: Different sessions, each with requests of its own.
        turns_per_session: Most turns of a session.
        group_size: Responses per request (G).
        max_new_tokens: Most tokens of a response.
        seed: Seed of the developer; the policy samples from torch's global generator.

    Returns:
        One dict per response, the responses of a group standing together: ``session``,
        ``turn`` (int), ``context`` (turns), ``response`` (text), ``feedback`` (the next
        state: text, or None where the developer left), ``response_ids`` (list of int),
        ``log_probs_old`` (list of float, nats, under the policy that sampled) and
        ``loss_mask`` (1.0, or 0.0 where there is no next state).
    """
    rng = random.Random(seed)
    sessions = [LiveSession(developer, rng) for _ in range(num_sessions)]
    records = []
    for turn in range(turns_per_session):
        active = [i for i, session in enumerate(sessions) if not session.ended]
        if not active:
            break
        contexts = [sessions[i].context for i in active] * group_size
        samples = sample_responses(policy, contexts, tokenizer, max_new_tokens=max_new_tokens)
        for k, number in enumerate(active):
            session = sessions[number]
            group = samples[k * group_size : (k + 1) * group_size]
            context = list(session.context)  # before the session moves on
            replies = session.answer([sample["response"] for sample in group])
            for sample, reply in zip(group, replies):
                records.append(
                    {
                        "session": number,
                        "turn": turn,
                        "context": context,
                        "response": sample["response"],
                        "feedback": reply,
                        "response_ids": sample["response_ids"],
                        "log_probs_old": sample["log_probs"],
                        "loss_mask": 0.0 if reply is None else 1.0,
                    }
                )
    return records
