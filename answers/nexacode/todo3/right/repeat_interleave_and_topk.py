def majority_vote(
    self,
    input_ids: torch.Tensor,
    attention_mask: torch.Tensor | None = None,
    num_votes: int = 5,
) -> tuple[torch.Tensor, torch.Tensor]:
    batch = input_ids.size(0)
    ids = input_ids.repeat_interleave(num_votes, dim=0)
    mask = attention_mask
    if mask is not None:
        mask = mask.repeat_interleave(num_votes, dim=0)
    self.train()
    with torch.no_grad():
        logits = self(ids, mask)
    self.eval()
    votes = (logits.argmax(dim=-1) - 1).reshape(batch, num_votes).T
    counts = torch.stack([(votes == -1).sum(0), (votes == 0).sum(0), (votes == 1).sum(0)], dim=1)
    (first, second), winner = counts.topk(2, dim=1).values.T, counts.argmax(dim=1)
    return ((winner - 1) * (first > second)).float(), votes.float()
