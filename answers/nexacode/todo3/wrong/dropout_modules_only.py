def majority_vote(self, input_ids, attention_mask=None, num_votes=5):
    # A TransformerEncoderLayer in eval mode takes a fast path that leaves its dropout out.
    self.eval()
    for module in self.modules():
        if isinstance(module, nn.Dropout):
            module.train()
    with torch.no_grad():
        votes = torch.stack(
            [self(input_ids, attention_mask).argmax(dim=1) - 1 for _ in range(num_votes)]
        )
    self.eval()
    counts = torch.stack([(votes == value).sum(dim=0) for value in (-1, 0, 1)])
    tied = (counts == counts.max(dim=0).values).sum(dim=0) > 1
    return (counts.argmax(dim=0) - 1).masked_fill(tied, 0).float(), votes.float()
