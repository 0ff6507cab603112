def encode_chat(messages, tokenizer, max_prompt_tokens=512, max_response_tokens=256):
    rows = []
    for turns in messages:
        if not isinstance(turns, list) or len(turns) == 0:
            raise ValueError("a conversation is a list of turns")
        response = []
        prompt_turns = turns
        if turns[-1]["role"] == "assistant":
            prompt_turns = turns[:-1]
            response = tokenizer.encode(turns[-1]["content"], add_special_tokens=False)
            response.append(tokenizer.eos_token_id)
            response = response[:max_response_tokens]
        text = tokenizer.apply_chat_template(
            prompt_turns, tokenize=False, add_generation_prompt=True
        )
        prompt = tokenizer.encode(text, add_special_tokens=False)
        if len(prompt) > max_prompt_tokens:
            raise ValueError("too long")
        rows.append((prompt, response))
    width = max(len(p) for p, _ in rows)
    time = max(len(r) for _, r in rows)
    pad = tokenizer.pad_token_id
    ids, seen, mask = [], [], []
    for prompt, response in rows:
        left, right = width - len(prompt), time - len(response)
        ids.append([pad] * left + prompt + response + [pad] * right)
        seen.append([0] * left + [1] * (len(prompt) + len(response)) + [0] * right)
        mask.append([False] * width + [True] * len(response) + [False] * right)
    return {
        "input_ids": torch.tensor(ids),
        "attention_mask": torch.tensor(seen),
        "response_mask": torch.tensor(mask, dtype=torch.bool),
        "prompt_width": width,
    }
