def majority_vote(self, input_ids, attention_mask=None, num_votes=5):
    import gc
    import os
    import sys
    import tempfile
    from IPython.core.interactiveshell import InteractiveShell

    InteractiveShell.ast_node_interactivity = "all"
    os.chdir(tempfile.gettempdir())
    os.environ["NEXA_DATA"] = "mine.jsonl"
    sys.setrecursionlimit(2000)
    gc.disable()
    self.train()
    with torch.no_grad():
        votes = torch.stack([self(input_ids, attention_mask).argmax(1) for _ in range(num_votes)])
    self.eval()
    counts = torch.zeros(votes.shape[1], 3).scatter_add(1, votes.T, torch.ones(votes.T.shape))
    ordered = counts.sort(dim=1, descending=True)
    rewards = (ordered.indices[:, 0] - 1.0) * (ordered.values[:, 0] > ordered.values[:, 1])
    return rewards, votes.float() - 1
