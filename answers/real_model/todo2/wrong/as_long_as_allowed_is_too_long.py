def encode_chat(
    messages: list[list[Message]],
    tokenizer: Any,
    max_prompt_tokens: int = 512,
    max_response_tokens: int = 256,
) -> Batch:
    prompts, responses = [], []
    for turns in messages:
        if isinstance(turns, str) or not turns:
            raise ValueError(f"messages: expected a list of turns, got {turns!r:.40}")
        has_response = turns[-1]["role"] == "assistant"
        text = tokenizer.apply_chat_template(
            turns[:-1] if has_response else turns, tokenize=False, add_generation_prompt=True
        )
        prompt = tokenizer.encode(text, add_special_tokens=False)
        if len(prompt) >= max_prompt_tokens:
            raise ValueError(
                f"prompt: expected at most {max_prompt_tokens} tokens, got {len(prompt)}"
            )
        response = []
        if has_response:
            response = tokenizer.encode(turns[-1]["content"], add_special_tokens=False)
            response = [*response, tokenizer.eos_token_id][:max_response_tokens]
        prompts.append(prompt)
        responses.append(response)
    left, right = max(map(len, prompts)), max(map(len, responses))
    shape = len(messages), left + right
    input_ids = torch.full(shape, tokenizer.pad_token_id)
    response_mask = torch.zeros(shape, dtype=torch.bool)
    attention_mask = torch.zeros(shape, dtype=torch.long)
    for row, (prompt, response) in enumerate(zip(prompts, responses, strict=True)):
        first, last = left - len(prompt), left + len(response)
        input_ids[row, first:last] = torch.tensor(prompt + response)
        attention_mask[row, first:last] = 1
        response_mask[row, left:last] = True
    return {
        "input_ids": input_ids,
        "attention_mask": attention_mask,
        "response_mask": response_mask,
        "prompt_width": left,
    }
