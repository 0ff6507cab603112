def encode_chat(messages, tokenizer, max_prompt_tokens=512, max_response_tokens=256):
    def ids_of(text):
        return tokenizer.encode(text, add_special_tokens=False)

    pairs = []
    for turns in messages:
        if isinstance(turns, str) or len(turns) < 1:
            raise ValueError(f"no conversation: {turns!r}")
        answered = turns[-1]["role"] == "assistant"
        told = turns[: len(turns) - answered]
        prompt = ids_of(
            tokenizer.apply_chat_template(told, add_generation_prompt=True, tokenize=False)
        )
        if len(prompt) > max_prompt_tokens:
            raise ValueError(f"{len(prompt)} tokens")
        answer = ids_of(turns[-1]["content"]) + [tokenizer.eos_token_id] if answered else []
        pairs.append((prompt, answer[:max_response_tokens]))
    start = max(len(p) for p, _ in pairs)
    end = start + max(len(a) for _, a in pairs)
    columns = torch.arange(end)
    first = torch.tensor([[start - len(p)] for p, _ in pairs])
    last = torch.tensor([[start + len(a)] for _, a in pairs])
    real = (columns >= first) & (columns < last)
    ids = torch.full(real.shape, tokenizer.pad_token_id)
    ids[real] = torch.tensor([t for p, a in pairs for t in p + a])
    return {
        "input_ids": ids,
        "attention_mask": real.to(torch.int64),
        "response_mask": real & (columns >= start),
        "prompt_width": start,
    }
