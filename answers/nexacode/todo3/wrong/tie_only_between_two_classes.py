def majority_vote(self, input_ids, attention_mask=None, num_votes=5):
    self.train()
    with torch.no_grad():
        votes = torch.stack(
            [self(input_ids, attention_mask).argmax(dim=1) - 1 for _ in range(num_votes)]
        )
    self.eval()
    rewards = []
    for column in votes.T.tolist():
        ranking = Counter(column).most_common()
        if len(ranking) == 2 and ranking[0][1] == ranking[1][1]:
            rewards.append(0)
        else:
            rewards.append(ranking[0][0])
    return torch.tensor(rewards).float(), votes.float()
