def majority_vote(self, input_ids, attention_mask=None, num_votes=5):
    self.train()
    all_votes = torch.zeros(num_votes, input_ids.shape[0], device=input_ids.device)
    with torch.no_grad():
        for v in range(num_votes):
            all_votes[v] = self(input_ids, attention_mask).argmax(dim=1) - 1
    self.eval()
    minus, zero, plus = ((all_votes == score).sum(dim=0) for score in (-1, 0, 1))
    up = (plus > zero) & (plus > minus)
    down = (minus > zero) & (minus > plus)
    return up.float() - down.float(), all_votes
