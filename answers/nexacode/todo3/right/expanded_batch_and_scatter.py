def majority_vote(self, input_ids, attention_mask=None, num_votes=5):
    batch = input_ids.size(0)
    many = lambda x: (
        None if x is None else x.unsqueeze(0).expand(num_votes, *x.shape).reshape(-1, x.size(1))
    )
    self.train()
    with torch.no_grad():
        logits = self(many(input_ids), many(attention_mask))
    self.eval()
    picks = logits.reshape(num_votes, batch, 3).argmax(-1)
    counts = torch.zeros(batch, 3, device=picks.device).scatter_add_(
        1, picks.T, torch.ones(batch, num_votes, device=picks.device)
    )
    best = counts.max(1, keepdim=True).values
    rewards = torch.where(
        (counts == best).sum(1) > 1, torch.zeros(batch, device=picks.device), counts.argmax(1) - 1.0
    )
    return rewards, picks - 1.0
