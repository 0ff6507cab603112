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
    rows, columns = log_probs_new.shape
    ref = log_probs_ref.detach()
    old = ref if log_probs_old is None else log_probs_old.detach()
    total, count = log_probs_new.new_zeros(()), 0
    kl_total, ratio_total = 0.0, 0.0
    for i in range(rows):
        for t in range(min(int(response_lengths[i]), columns)):
            ratio = torch.exp(log_probs_new[i, t] - old[i, t])
            clipped = ratio.clamp(min=1 - eps_low, max=1 + eps_high)
            d = ref[i, t] - log_probs_new[i, t]
            k3 = torch.exp(d) - d - 1
            total = total - torch.minimum(ratio * advantages[i], clipped * advantages[i])
            total = total + beta_kl * k3
            kl_total += k3.item()
            ratio_total += ratio.item()
            count += 1
    penalties = [overlong_reward(int(n), L_max, L_cache) for n in response_lengths]
    return total / count, {
        "mean_advantage": float(advantages.mean()),
        "mean_kl": kl_total / count,
        "mean_ratio": ratio_total / count,
        "mean_length_penalty": float(np.mean(penalties)),
    }
