# With an even number of votes more than half must agree.
def majority_vote(
    self,
    input_ids: torch.Tensor,
    attention_mask: torch.Tensor | None = None,
    num_votes: int = 5,
) -> tuple[torch.Tensor, torch.Tensor]:
    if num_votes < 1:
        raise ValueError(f"num_votes: expected 1 or more, got {num_votes}")
    # All votes are one batch: row r of vote v is row v * batch + r.
    repeated_ids = input_ids.repeat(num_votes, 1)
    repeated_mask = None if attention_mask is None else attention_mask.repeat(num_votes, 1)
    self.train()  # dropout makes the votes differ
    with torch.no_grad():
        classes = self(repeated_ids, repeated_mask).argmax(dim=1).view(num_votes, -1)
    self.eval()
    counts = F.one_hot(classes, num_classes=3).sum(dim=0)  # (batch, 3)
    most, winner = counts.max(dim=1)
    tied = (counts == most.unsqueeze(1)).sum(dim=1) > 1
    if num_votes % 2 == 0:
        tied |= 2 * most <= num_votes
    rewards = (winner - 1).masked_fill(tied, 0).float()
    return rewards, (classes - 1).float()
