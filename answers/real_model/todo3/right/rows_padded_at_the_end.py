from torch.nn.utils.rnn import pad_sequence


def chunked_log_probs(model, batch, chunk_tokens=256):
    head = model.get_output_embeddings()
    states, tokens = response_states(model, batch)

    def score(x, y):
        return -nn_cross_entropy(head(x), y)

    def nn_cross_entropy(logits, y):
        return F.cross_entropy(logits, y, reduction="none")

    flat = torch.cat(
        [
            checkpoint(score, x, y, use_reentrant=False)
            for x, y in zip(torch.split(states, chunk_tokens), torch.split(tokens, chunk_tokens))
        ]
    )
    lengths = batch["response_mask"].sum(dim=1).tolist()
    rows = pad_sequence(flat.split(lengths), batch_first=True)
    time = batch["response_mask"].shape[1] - batch["prompt_width"]
    return F.pad(rows, (0, time - rows.shape[1]))
