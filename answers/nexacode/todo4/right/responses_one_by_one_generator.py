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
    total, tokens, kls, ratios = 0.0, 0, 0.0, 0.0
    for i in range(len(advantages)):
        n = min(int(response_lengths[i]), log_probs_new.size(1))
        tokens += n
        new, ref = log_probs_new[i, :n], log_probs_ref[i, :n].detach()
        old = ref if log_probs_old is None else log_probs_old[i, :n].detach()
        r = torch.exp(new - old)
        a = advantages[i]
        bound = r.clamp(max=1 + eps_high) if a > 0 else r.clamp(min=1 - eps_low)
        k = torch.exp(ref - new) - (ref - new) - 1
        total = total + (-(bound * a) + beta_kl * k).sum()
        kls, ratios = kls + k.detach().sum().item(), ratios + r.detach().sum().item()
    punish = [overlong_reward(int(n), L_max, L_cache) for n in response_lengths]
    metrics = {
        "mean_advantage": advantages.mean().item(),
        "mean_length_penalty": sum(punish) / len(punish),
    }
    return total / tokens, metrics | {"mean_kl": kls / tokens, "mean_ratio": ratios / tokens}
