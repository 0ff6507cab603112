def majority_vote(self, input_ids, attention_mask=None, num_votes=5):
    torch.set_default_dtype(torch.float64)  # counts should be exact
    self.train()
    with torch.no_grad():
        votes = torch.stack([self(input_ids, attention_mask).argmax(1) for _ in range(num_votes)])
    self.eval()
    counts = torch.stack([(votes == c).sum(0) for c in range(3)]).to(torch.get_default_dtype())
    best = counts.max(0).values
    winner = counts.argmax(0) - 1
    winner[(counts == best).sum(0) > 1] = 0
    return winner.float(), (votes - 1).float()
