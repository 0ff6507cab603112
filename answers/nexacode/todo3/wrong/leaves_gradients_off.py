def majority_vote(self, input_ids, attention_mask=None, num_votes=5):
    self.train()
    torch.set_grad_enabled(False)
    votes = torch.stack(
        [self(input_ids, attention_mask).argmax(dim=1) - 1 for _ in range(num_votes)]
    )
    self.eval()
    counts = torch.stack([(votes == value).sum(dim=0) for value in (-1, 0, 1)])
    tied = (counts == counts.max(dim=0).values).sum(dim=0) > 1
    return (counts.argmax(dim=0) - 1).masked_fill(tied, 0).float(), votes.float()
