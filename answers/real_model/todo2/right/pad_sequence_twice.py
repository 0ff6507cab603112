from torch.nn.utils.rnn import pad_sequence


def encode_chat(messages, tokenizer, max_prompt_tokens=512, max_response_tokens=256):
    prompts, responses = [], []
    for turns in messages:
        if isinstance(turns, str):
            raise ValueError("expected turns, got a string")
        if not turns:
            raise ValueError("empty")
        *rest, last = turns
        is_answer = last["role"] == "assistant"
        ids = tokenizer(
            tokenizer.apply_chat_template(
                rest if is_answer else turns, tokenize=False, add_generation_prompt=True
            ),
            add_special_tokens=False,
        )["input_ids"]
        if len(ids) > max_prompt_tokens:
            raise ValueError("prompt")
        answer = []
        if is_answer:
            answer = tokenizer(last["content"], add_special_tokens=False)["input_ids"]
            answer = (answer + [tokenizer.eos_token_id])[:max_response_tokens]
        prompts.append(torch.tensor(ids[::-1]))
        responses.append(torch.tensor(answer, dtype=torch.long))
    pad = tokenizer.pad_token_id
    left = pad_sequence(prompts, batch_first=True, padding_value=pad).flip(1)
    right = pad_sequence(responses, batch_first=True, padding_value=pad)
    left_seen = pad_sequence([torch.ones(len(p)) for p in prompts], batch_first=True).flip(1)
    right_seen = pad_sequence([torch.ones(len(r)) for r in responses], batch_first=True)
    return dict(
        input_ids=torch.cat([left, right], dim=1),
        attention_mask=torch.cat([left_seen, right_seen], dim=1).long(),
        response_mask=torch.cat([torch.zeros_like(left_seen), right_seen], dim=1).bool(),
        prompt_width=left.shape[1],
    )
