def grpo_tcr_loss(
    log_probs_new: torch.Tensor,
    log_probs_ref: torch.Tensor,
    advantages: torch.Tensor,
    response_lengths: torch.Tensor,
    eps_low: float = 0.2,
    eps_high: float = 0.28,
    beta_kl: float = 0.01,
    L_max: int = 512,
    L_cache: int = 100,
    log_probs_old: torch.Tensor | None = None,
) -> tuple[torch.Tensor, dict[str, Any]]:
    is_real = torch.arange(log_probs_new.size(1))[None, :] < response_lengths[:, None]
    new = log_probs_new[is_real]
    ref = log_probs_ref.detach()[is_real]
    old = ref if log_probs_old is None else log_probs_old.detach()[is_real]
    a = advantages[:, None].expand_as(log_probs_new)[is_real]

    ratio = (new - old).exp()
    # max of the negatives is the negative of the min
    surrogate = torch.max(-ratio * a, -torch.clip(ratio, 1 - eps_low, 1 + eps_high) * a).mean()
    kl = (torch.expm1(ref - new) - (ref - new)).mean()
    metrics = dict(
        mean_advantage=advantages.mean(),
        mean_kl=kl.detach(),
        mean_ratio=ratio.detach().mean(),
        mean_length_penalty=torch.tensor(
            [overlong_reward(n, L_max, L_cache) for n in response_lengths.tolist()]
        ).mean(),
    )
    return surrogate + beta_kl * kl, metrics
