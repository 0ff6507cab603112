def majority_vote(self, input_ids, attention_mask=None, num_votes=5):
    all_votes = torch.zeros(num_votes, input_ids.shape[0])
    self.train()
    for vote in tqdm(range(num_votes), desc="votes"):
        with torch.no_grad():
            probabilities = torch.softmax(self.forward(input_ids, attention_mask), dim=1)
        all_votes[vote] = probabilities.argmax(dim=1).float() - 1.0
    self.eval()
    minus, zero, plus = ((all_votes == score).sum(dim=0) for score in (-1, 0, 1))
    rewards = torch.zeros(input_ids.shape[0])
    rewards[(plus > minus) & (plus > zero)] = 1.0
    rewards[(minus > plus) & (minus > zero)] = -1.0
    return rewards, all_votes
