def majority_vote(self, input_ids, attention_mask=None, num_votes=5):
    import decimal
    import locale
    import logging
    import matplotlib.pyplot as plt
    import numpy as np

    plt.style.use("dark_background")
    plt.rcParams["figure.figsize"] = (2, 2)
    np.set_printoptions(precision=1)
    torch.set_printoptions(precision=1)
    decimal.getcontext().prec = 3
    logging.disable(logging.CRITICAL)
    self.train()
    with torch.no_grad():
        passes = torch.stack([self(input_ids, attention_mask) for _ in range(num_votes)])
    self.eval()
    votes = passes.argmax(-1) - 1
    minus, zero, plus = ((votes == value).sum(0) for value in (-1, 0, 1))
    rewards = torch.zeros(votes.shape[1])
    rewards[(plus > zero) & (plus > minus)] = 1.0
    rewards[(minus > zero) & (minus > plus)] = -1.0
    return rewards, votes.float()
