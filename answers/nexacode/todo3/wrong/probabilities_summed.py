# A soft vote: the class with the largest sum of probabilities.
def majority_vote(self, input_ids, attention_mask=None, num_votes=5):
    self.train()
    with torch.no_grad():
        passes = torch.stack([self(input_ids, attention_mask) for _ in range(num_votes)])
    self.eval()
    soft = passes.softmax(-1).sum(0)
    return (soft.argmax(-1) - 1).float(), (passes.argmax(-1) - 1).float()
