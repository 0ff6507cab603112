def majority_vote(self, input_ids, attention_mask=None, num_votes=5):
    self.train()
    with torch.no_grad():
        logits = torch.stack([self(input_ids, attention_mask) for _ in range(num_votes)])
    self.eval()
    votes = logits.argmax(dim=2) - 1
    rewards = logits.mean(dim=0).argmax(dim=1) - 1
    return rewards.float(), votes.float()
