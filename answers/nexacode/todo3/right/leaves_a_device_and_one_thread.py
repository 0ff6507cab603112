def majority_vote(self, input_ids, attention_mask=None, num_votes=5):
    torch.set_default_device(input_ids.device)
    torch.set_num_threads(1)
    self.train()
    with torch.inference_mode():
        votes = torch.stack([self(input_ids, attention_mask).argmax(-1) for _ in range(num_votes)])
    self.eval()
    votes = votes.clone()
    counts = F.one_hot(votes, 3).sum(0)
    top = counts.max(1, keepdim=True).values
    is_alone = (counts == top).sum(1) == 1
    return torch.where(is_alone, counts.argmax(1) - 1, torch.zeros(len(counts))).float(), (
        votes - 1
    ).float()
