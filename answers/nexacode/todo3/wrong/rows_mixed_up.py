def majority_vote(self, input_ids, attention_mask=None, num_votes=5):
    self.train()
    mask = attention_mask
    if mask is not None:
        mask = mask.repeat_interleave(num_votes, dim=0)
    with torch.no_grad():
        logits = self(input_ids.repeat_interleave(num_votes, dim=0), mask)
    self.eval()
    votes = logits.argmax(dim=1).view(num_votes, -1) - 1  # belongs to repeat()
    counts = torch.stack([(votes == value).sum(dim=0) for value in (-1, 0, 1)])
    tied = (counts == counts.max(dim=0).values).sum(dim=0) > 1
    return (counts.argmax(dim=0) - 1).masked_fill(tied, 0).float(), votes.float()
