def majority_vote(self, input_ids, attention_mask=None, num_votes=5):
    from statistics import multimode

    for module in self.modules():
        if isinstance(module, (nn.Dropout, nn.TransformerEncoderLayer, nn.MultiheadAttention)):
            module.train()
    with torch.no_grad():
        votes = torch.stack(
            [torch.max(self(input_ids, attention_mask), 1).indices - 1 for _ in range(num_votes)]
        )
    self.eval()
    modes = [multimode(column) for column in votes.t().tolist()]
    rewards = torch.tensor([m[0] if len(m) == 1 else 0 for m in modes], dtype=torch.float)
    return rewards, votes
