def majority_vote(self, input_ids, attention_mask=None, num_votes=5):
    self.train()
    with torch.no_grad():
        votes = torch.stack(
            [self(input_ids, attention_mask).argmax(dim=1) for _ in range(num_votes)]
        )
    self.eval()
    counts = F.one_hot(votes, 3).sum(dim=0)
    tied = (counts == counts.max(dim=1, keepdim=True).values).sum(dim=1) > 1
    return (counts.argmax(dim=1) - 1).masked_fill(tied, 0).float(), votes.float()
