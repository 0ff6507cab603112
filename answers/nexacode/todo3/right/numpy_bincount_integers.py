def majority_vote(self, input_ids, attention_mask=None, num_votes=5):
    self.eval()
    self.train()
    with torch.no_grad():
        classes = np.stack(
            [self(input_ids, attention_mask).numpy().argmax(1) for _ in range(num_votes)]
        )
    self.eval()
    rewards = np.zeros(classes.shape[1], dtype=int)
    for row, column in enumerate(classes.T):
        counts = np.bincount(column, minlength=3)
        winners = np.flatnonzero(counts == counts.max())
        if len(winners) == 1:
            rewards[row] = winners[0] - 1
    return torch.from_numpy(rewards).float(), torch.from_numpy(classes - 1)
