# An even number of votes gets one more, against ties.
def majority_vote(self, input_ids, attention_mask=None, num_votes=5):
    count = num_votes if num_votes % 2 else num_votes + 1
    self.train()
    with torch.no_grad():
        votes = torch.stack([self(input_ids, attention_mask).argmax(-1) - 1 for _ in range(count)])
    self.eval()
    counts = torch.stack([(votes == v).sum(0) for v in (-1, 0, 1)])
    tied = (counts == counts.max(0).values).sum(0) > 1
    return (counts.argmax(0) - 1).masked_fill(tied, 0).float(), votes[:num_votes].float()
