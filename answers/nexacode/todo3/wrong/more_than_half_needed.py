def majority_vote(self, input_ids, attention_mask=None, num_votes=5):
    self.train()
    with torch.no_grad():
        votes = torch.stack(
            [self(input_ids, attention_mask).argmax(dim=1) - 1 for _ in range(num_votes)]
        ).float()
    self.eval()
    # 3 against 2 and 2 is no tie, but it gives 0 here.
    rewards = ((votes == 1).sum(0) > num_votes / 2).float()
    rewards -= ((votes == -1).sum(0) > num_votes / 2).float()
    return rewards, votes
