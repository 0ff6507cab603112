def majority_vote(self, input_ids, attention_mask=None, num_votes=5):
    self.train()
    votes = []
    with torch.no_grad():
        for _ in range(num_votes):
            votes.append(self(input_ids, attention_mask).argmax(dim=1) - 1)
            self.eval()
    votes = torch.stack(votes)
    counts = torch.stack([(votes == value).sum(dim=0) for value in (-1, 0, 1)])
    tied = (counts == counts.max(dim=0).values).sum(dim=0) > 1
    return (counts.argmax(dim=0) - 1).masked_fill(tied, 0).float(), votes.float()
