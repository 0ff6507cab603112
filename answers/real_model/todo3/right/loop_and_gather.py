def chunked_log_probs(model, batch, chunk_tokens=256):
    states, tokens = response_states(model, batch)
    head = model.get_output_embeddings()

    def one(part, wanted):
        logits = head(part).float()
        return logits.gather(1, wanted.unsqueeze(1)).squeeze(1) - logits.logsumexp(dim=1)

    values = []
    for start in range(0, len(tokens), chunk_tokens):
        stop = start + chunk_tokens
        values.append(checkpoint(one, states[start:stop], tokens[start:stop], use_reentrant=False))
    mask = batch["response_mask"][:, batch["prompt_width"] :]
    result = torch.zeros(mask.shape, device=mask.device)
    result[mask] = torch.cat(values)
    return result
