@torch.inference_mode()
def majority_vote(self, input_ids, attention_mask=None, num_votes=5):
    self.train()
    rounds = []
    for _ in range(num_votes):
        logits = self(input_ids, attention_mask)
        rounds.append([[-1, 0, 1][i] for i in logits.argmax(-1).tolist()])
    self.eval()
    rewards = []
    for column in zip(*rounds):
        ranking = Counter(column).most_common()
        is_tie = len(ranking) > 1 and ranking[0][1] == ranking[1][1]
        rewards.append(0.0 if is_tie else float(ranking[0][0]))
    return torch.tensor(rewards), torch.tensor(rounds)
