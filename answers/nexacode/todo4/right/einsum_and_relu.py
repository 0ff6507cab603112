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
    # min(r A, clip(r) A) written as r A minus what the clip takes away.
    device = log_probs_new.device
    positions = torch.arange(log_probs_new.shape[-1], device=device)
    mask = (positions.unsqueeze(0) < response_lengths.to(device).unsqueeze(1)).float()
    n_tokens = max(mask.sum().item(), 1)
    ref = log_probs_ref.detach()
    old = ref if log_probs_old is None else log_probs_old.detach()
    log_ratio = (log_probs_new - old) * mask
    ratio = log_ratio.exp()
    above, below = F.relu(ratio - 1 - eps_high), F.relu(1 - eps_low - ratio)
    up, down = F.relu(advantages), F.relu(-advantages)
    gain = (
        torch.einsum("bt,b,bt->", ratio, advantages, mask)
        - torch.einsum("bt,b,bt->", above, up, mask)
        - torch.einsum("bt,b,bt->", below, down, mask)
    )
    d = (ref - log_probs_new) * mask
    kl = torch.einsum("bt,bt->", torch.exp(d) - d - 1, mask)
    metrics = {
        "mean_advantage": advantages.mean().item(),
        "mean_kl": kl.item() / n_tokens,
        "mean_ratio": torch.einsum("bt,bt->", ratio, mask).item() / n_tokens,
        "mean_length_penalty": sum(
            map(lambda n: overlong_reward(n, L_max, L_cache), response_lengths.tolist())
        )
        / response_lengths.numel(),
    }
    return (beta_kl * kl - gain) / n_tokens, metrics
