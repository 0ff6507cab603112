def majority_vote(self, input_ids, attention_mask=None, num_votes=5):
    self.train()
    with torch.no_grad():
        votes = torch.stack(
            [self(input_ids, attention_mask).argmax(dim=1) - 1 for _ in range(num_votes)]
        ).float()
    self.eval()
    return votes.mean(dim=0).round(), votes
