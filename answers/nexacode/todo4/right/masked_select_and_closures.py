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
    columns = log_probs_new.shape[-1]
    mask = torch.stack(
        [torch.arange(columns, device=log_probs_new.device) < n for n in response_lengths]
    )

    def real(x):
        return torch.masked_select(x, mask)

    def average(x):
        return x.sum() / mask.sum()

    ref = log_probs_ref.detach()
    old = (ref if log_probs_old is None else log_probs_old).detach()
    A = real(advantages.unsqueeze(-1).expand(-1, columns))
    rho = (real(log_probs_new) - real(old)).exp()
    d = real(ref) - real(log_probs_new)
    k = d.exp() - 1 - d
    policy_loss = average(torch.maximum(-rho * A, -rho.clamp(1 - eps_low, 1 + eps_high) * A))
    with torch.no_grad():
        numbers = dict(
            mean_advantage=advantages.mean().item(),
            mean_kl=average(k).item(),
            mean_ratio=average(rho).item(),
            mean_length_penalty=float(
                np.array([overlong_reward(int(n), L_max, L_cache) for n in response_lengths]).mean()
            ),
            clip_fraction=0.0,
        )
    return policy_loss + beta_kl * average(k), numbers
