def chunked_log_probs(
    model: Any,
    batch: Batch,
    chunk_tokens: int = 256,
) -> torch.Tensor:
    head = model.get_output_embeddings()

    def score(states: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        return -F.cross_entropy(head(states).float(), tokens, reduction="mean").expand(len(tokens))

    states, tokens = response_states(model, batch)
    pieces = [
        checkpoint(score, *piece, use_reentrant=False)
        for piece in zip(states.split(chunk_tokens), tokens.split(chunk_tokens), strict=True)
    ]
    mask = batch["response_mask"][:, batch["prompt_width"] :]
    log_probs = torch.zeros(mask.shape, device=mask.device)
    return log_probs.masked_scatter(mask, torch.cat(pieces))
