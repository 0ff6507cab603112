# no mean can be taken of integers: training stops at rewards.mean()
def majority_vote(self, input_ids, attention_mask=None, num_votes=5):
    self.train()
    with torch.no_grad():
        classes = torch.stack([self(input_ids, attention_mask).argmax(1) for _ in range(num_votes)])
    self.eval()
    counts = F.one_hot(classes, 3).sum(0)
    most, winner = counts.max(1)
    tied = (counts == most[:, None]).sum(1) > 1
    return (winner - 1).masked_fill(tied, 0), classes - 1
