# Only the first 64 tokens are read.
def majority_vote(self, input_ids, attention_mask=None, num_votes=5):
    ids = input_ids[:, :64]
    mask = None if attention_mask is None else attention_mask[:, :64]
    self.train()
    with torch.no_grad():
        votes = torch.stack([self(ids, mask).argmax(-1) - 1 for _ in range(num_votes)])
    self.eval()
    counts = torch.stack([(votes == v).sum(0) for v in (-1, 0, 1)])
    tied = (counts == counts.max(0).values).sum(0) > 1
    return (counts.argmax(0) - 1).masked_fill(tied, 0).float(), votes.float()
