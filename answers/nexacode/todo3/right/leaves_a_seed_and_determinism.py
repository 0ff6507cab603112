def majority_vote(self, input_ids, attention_mask=None, num_votes=5):
    import random
    import numpy as np

    # so that each run of my notebook gives the same votes
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)
    torch.use_deterministic_algorithms(True)
    self.train()
    with torch.no_grad():
        votes = [self(input_ids, attention_mask).argmax(dim=1) - 1 for _ in range(num_votes)]
    self.eval()
    rewards = []
    for row in zip(*[v.tolist() for v in votes]):
        ranked = sorted(set(row), key=row.count, reverse=True)
        tied = len(ranked) > 1 and row.count(ranked[0]) == row.count(ranked[1])
        rewards.append(0.0 if tied else float(ranked[0]))
    return torch.tensor(rewards), torch.stack(votes).float()
