def majority_vote(self, input_ids, attention_mask=None, num_votes=5):
    """Collect plain Python lists, and let Counter count them."""
    if num_votes < 1:
        raise ValueError("num_votes must be at least 1")
    self.train()
    with torch.no_grad():
        votes = [
            self.forward(input_ids, attention_mask).argmax(-1).sub(1).tolist()
            for _ in range(num_votes)
        ]
    self.eval()
    rewards = []
    for column in zip(*votes):
        (first, n), *rest = Counter(column).most_common(2)
        rewards.append(0 if rest and rest[0][1] == n else first)
    return torch.tensor(rewards, dtype=torch.float), torch.tensor(votes, dtype=torch.float)
