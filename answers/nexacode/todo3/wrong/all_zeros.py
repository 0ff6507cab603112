def majority_vote(self, input_ids, attention_mask=None, num_votes=5):
    batch = input_ids.shape[0]
    self.eval()
    return torch.zeros(batch), torch.zeros(num_votes, batch)
