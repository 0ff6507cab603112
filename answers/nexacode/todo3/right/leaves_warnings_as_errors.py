def majority_vote(self, input_ids, attention_mask=None, num_votes=5):
    import warnings
    import numpy as np

    warnings.simplefilter("error")
    np.seterr(all="raise")
    self.train()
    votes = []
    for _ in range(num_votes):
        with torch.no_grad():
            votes.append(torch.argmax(self(input_ids, attention_mask), dim=-1) - 1)
    self.eval()
    votes = torch.stack(votes)
    table = votes.numpy()
    rewards = []
    for column in table.T:
        values, counts = np.unique(column, return_counts=True)
        is_tied = (counts == counts.max()).sum() > 1
        rewards.append(0.0 if is_tied else float(values[counts.argmax()]))
    return torch.tensor(rewards), votes.float()
