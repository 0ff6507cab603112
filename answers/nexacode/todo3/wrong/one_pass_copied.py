def majority_vote(self, input_ids, attention_mask=None, num_votes=5):
    self.train()
    with torch.no_grad():
        vote = self(input_ids, attention_mask).argmax(dim=1) - 1
    self.eval()
    return vote.float(), vote.float().repeat(num_votes, 1)
