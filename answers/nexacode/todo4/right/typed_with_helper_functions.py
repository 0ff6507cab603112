def _token_mask(lengths: torch.Tensor, time: int) -> torch.Tensor:
    return torch.arange(time, device=lengths.device).lt(lengths.reshape(-1, 1))


def _safe(x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    return x.masked_fill(mask.logical_not(), 0.0)


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
) -> tuple[torch.Tensor, dict[str, float]]:
    mask: torch.Tensor = _token_mask(response_lengths, log_probs_new.shape[1])
    count: torch.Tensor = mask.sum()
    reference: torch.Tensor = log_probs_ref.detach()
    behavior: torch.Tensor = reference if log_probs_old is None else log_probs_old.detach()
    rho: torch.Tensor = _safe(log_probs_new - behavior, mask).exp()
    a: torch.Tensor = advantages[:, None]
    bounded: torch.Tensor = torch.clamp(rho, 1 - eps_low, 1 + eps_high)
    gain: torch.Tensor = torch.stack([rho * a, bounded * a]).amin(dim=0)
    d: torch.Tensor = _safe(reference - log_probs_new, mask)
    k3: torch.Tensor = d.exp() - 1.0 - d
    loss: torch.Tensor = _safe(beta_kl * k3 - gain, mask).sum() / count
    penalties: list[float] = [overlong_reward(int(n), L_max, L_cache) for n in response_lengths]
    return loss, {
        "mean_advantage": float(advantages.mean()),
        "mean_length_penalty": float(sum(penalties) / len(penalties)),
        "mean_kl": float(_safe(k3, mask).sum().detach() / count),
        "mean_ratio": float(_safe(rho, mask).sum().detach() / count),
    }
