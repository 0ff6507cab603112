def majority_vote(self, input_ids, attention_mask=None, num_votes=5, verbose=False):
    voter = copy.deepcopy(self).requires_grad_(False).train()
    votes = torch.stack([voter(input_ids, attention_mask).argmax(1) - 1 for _ in range(num_votes)])
    self.eval()
    same = votes.unsqueeze(0) == votes.unsqueeze(1)  # (num_votes, num_votes, batch)
    support = same.sum(dim=0)
    best = support == support.max(dim=0).values
    # All votes with the best support must be the same vote.
    low = votes.masked_fill(~best, 2).min(dim=0).values
    high = votes.masked_fill(~best, -2).max(dim=0).values
    rewards = torch.where(low == high, low, torch.zeros_like(low)).float()
    if verbose:
        print(rewards)
    return [rewards, votes.float()]
