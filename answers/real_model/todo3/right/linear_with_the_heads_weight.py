def chunked_log_probs(model, batch, chunk_tokens=256):
    weight = model.get_output_embeddings().weight

    def log_probs(states, tokens):
        scores = F.log_softmax(F.linear(states, weight), dim=-1)
        return scores[torch.arange(len(tokens)), tokens]

    states, tokens = response_states(model, batch)
    parts = []
    for part, wanted in zip(states.split(chunk_tokens), tokens.split(chunk_tokens)):
        parts.append(checkpoint(log_probs, part, wanted, use_reentrant=False))
    flat = torch.cat(parts)
    mask = batch["response_mask"][:, batch["prompt_width"] :]
    return torch.zeros(mask.shape).masked_scatter(mask, flat)
