def majority_vote(
    self,
    input_ids: torch.Tensor,
    attention_mask: torch.Tensor | None = None,
    num_votes: int = 5,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Monte-Carlo dropout majority vote.

    Args:
        input_ids: Token ids, shape (B, T)
        attention_mask: Optional mask, shape (B, T)
        num_votes: Number of stochastic forward passes

    Returns:
        A tuple of (rewards, all_votes).
    """
    # Validate the arguments
    if num_votes < 1:
        raise ValueError("num_votes must be >= 1")

    # Enable dropout for stochastic forward passes
    self.train()
    try:
        collected: list[torch.Tensor] = []
        with torch.inference_mode():
            for _vote in range(num_votes):
                logits = self(input_ids, attention_mask)  # (B, 3)
                collected.append(torch.argmax(logits, dim=1) - 1)  # map {0,1,2} -> {-1,0,1}
    finally:
        # Always restore evaluation mode
        self.eval()

    all_votes = torch.stack(collected, dim=0).float()  # (num_votes, B)

    # Count the votes for each score
    scores = torch.tensor([-1.0, 0.0, 1.0], device=all_votes.device)
    vote_counts = (all_votes.unsqueeze(-1) == scores).sum(dim=0)  # (B, 3)
    max_counts = vote_counts.amax(dim=1, keepdim=True)
    is_leader = vote_counts == max_counts
    # A unique leader decides, otherwise the reward is 0
    rewards = torch.where(is_leader.sum(dim=1) == 1, (is_leader * scores).sum(dim=1), 0.0)
    return rewards, all_votes
