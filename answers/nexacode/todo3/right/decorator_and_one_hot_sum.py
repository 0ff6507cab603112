@torch.no_grad()
def majority_vote(self, input_ids, attention_mask=None, num_votes=5):
    self.train(True)
    totals, votes = 0, []
    for _ in range(num_votes):
        logits = self(input_ids, attention_mask=attention_mask)
        chosen = logits.max(dim=-1).indices
        totals = totals + torch.eye(3, device=logits.device)[chosen]
        votes.append(chosen.float() - 1.0)
    self.train(False)
    top = totals.sort(dim=1, descending=True).values
    unique_winner = top[:, 0] > top[:, 1]
    rewards = torch.where(
        unique_winner, totals.argmax(dim=1).float() - 1.0, torch.zeros(len(top), device=top.device)
    )
    return rewards, torch.stack(votes)
