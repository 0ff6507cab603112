class _Player:
    """Plays one session and keeps its records."""

    def __init__(self, number, session):
        self.number, self.session, self.records, self.turn = number, session, [], 0

    def play(self, sample, group_size):
        if self.session.ended:
            return False
        context = self.session.context[:]
        group = sample([context] * group_size)
        feedback = self.session.answer([g["response"] for g in group])
        self.records.extend(
            {
                "session": self.number,
                "turn": self.turn,
                "context": context,
                "response": g["response"],
                "feedback": f,
                "response_ids": g["response_ids"],
                "log_probs_old": g["log_probs"],
                "loss_mask": [1.0, 0.0][f is None],
            }
            for g, f in zip(group, feedback)
        )
        self.turn += 1
        return True


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
    rng = random.Random(seed)
    players = [_Player(n, LiveSession(developer, rng)) for n in range(num_sessions)]
    sample = lambda contexts: sample_responses(policy, contexts, tokenizer, max_new_tokens)
    for player in players:
        for _ in range(turns_per_session):
            if not player.play(sample, group_size):
                break
    return [record for player in players for record in player.records]
