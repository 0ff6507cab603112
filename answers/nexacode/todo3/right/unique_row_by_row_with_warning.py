def majority_vote(self, input_ids, attention_mask=None, num_votes=5):
    def winner(column):
        values, counts = np.unique(column, return_counts=True)
        top = values[counts == max(counts)]
        return top.item() if top.size == 1 else 0

    self.train()
    columns = []
    with torch.no_grad():
        for row in range(len(input_ids)):
            one = input_ids[row : row + 1]
            mask = attention_mask[row : row + 1] if attention_mask is not None else None
            columns.append([self(one, mask).argmax().item() - 1 for _ in range(num_votes)])
    self.eval()
    votes = torch.tensor(torch.tensor(columns)).T  # torch warns: use clone().detach()
    return torch.tensor([winner(column) for column in columns], dtype=torch.float64), votes
