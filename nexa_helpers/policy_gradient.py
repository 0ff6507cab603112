"""Section 4.2: from a reward to a gradient, on a model that has three things to say.

Everything here is exact and small enough to check by hand: no network, no sampling.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure


def push_said(said: int, advantage: float, num_steps: int = 3, num_actions: int = 3) -> np.ndarray:
    """Climb ``advantage * log(probability of what was said)``, in steps of size 1.

    The scores start equal. The gradient of log softmax in the scores is (one-hot - probabilities).

    Args:
        said: Which action was said.
        advantage: How much better it was than the others; below 0: worse.
        num_steps: How many steps.
        num_actions: How many things the model can say.

    Returns:
        Probabilities (num_steps + 1, num_actions): before the first step, and after each.
    """
    scores, one_hot = np.zeros(num_actions), np.eye(num_actions)[said]
    rows = [np.full(num_actions, 1 / num_actions)]
    for _ in range(num_steps):
        scores = scores + advantage * (one_hot - rows[-1])
        rows.append(np.exp(scores) / np.exp(scores).sum())
    return np.array(rows)


def clipped_objective(
    ratios: np.ndarray, advantage: float, eps_low: float = 0.2, eps_high: float = 0.28
) -> np.ndarray:
    """What a token adds to minus the loss, for each ratio: min(ratio A, clip(ratio) A)."""
    clipped = np.clip(ratios, 1 - eps_low, 1 + eps_high)
    return np.minimum(ratios * advantage, clipped * advantage)


def plot_reward_to_gradient(num_steps: int = 6) -> Figure:
    """Draw two things: what a push does to three probabilities, and where clipping stops it.

    Args:
        num_steps: Steps in the left plot.

    Returns:
        A figure with two axes.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    ratios = np.linspace(0.4, 1.8, 141)
    for advantage, color, marker, line in (
        (1, "tab:blue", "o", "-"),
        (-1, "tab:orange", "s", "--"),
    ):
        look = {"color": color, "linestyle": line, "label": f"A = {advantage:+}"}
        said = push_said(0, advantage, num_steps)[:, 0]
        left.plot(range(num_steps + 1), said, marker=marker, **look)
        right.plot(ratios, clipped_objective(ratios, advantage), **look)
        right.plot(1, advantage, marker, color=color)
    for limit in (0.8, 1.28):
        right.axvline(limit, color="grey", linestyle=":", linewidth=1)
    left.set(xlabel="steps", ylabel="probability of what was said", ylim=(0, 1), title="A Push")
    right.set(xlabel="ratio to the sampling policy", ylabel="minus the loss", title="Clipping")
    for axis in (left, right):
        axis.legend()
    return figure
