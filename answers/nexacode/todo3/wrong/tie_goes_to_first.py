def majority_vote(self, input_ids, attention_mask=None, num_votes=5):
    self.train()
    with torch.no_grad():
        votes = torch.stack(
            [self(input_ids, attention_mask).argmax(dim=1) - 1 for _ in range(num_votes)]
        )
    self.eval()
    rewards = [Counter(column).most_common(1)[0][0] for column in votes.T.tolist()]
    return torch.tensor(rewards).float(), votes.float()
