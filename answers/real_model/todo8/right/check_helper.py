def plan_run(
    tokens_per_second,
    answers,
    tokens_per_answer=96,
    answers_per_update=16,
    price_per_hour=0.0,
    base_parameters=134_515_008,
    adapter_parameters=0,
    bytes_per_token=0.0,
    tokens_at_once=0,
    memory_bytes=16e9,
):
    def check(ok, text):
        if not ok:
            raise ValueError(text)

    check(tokens_per_second > 0, "speed")
    check(answers > 0 and tokens_per_answer > 0 and answers_per_update > 0, "counts")
    memory = 4 * base_parameters
    memory += (4 + 4 + 8) * adapter_parameters
    memory += bytes_per_token * tokens_at_once
    check(memory <= memory_bytes, "memory")
    updates, rest = divmod(answers, answers_per_update)
    seconds = answers * tokens_per_answer / tokens_per_second
    return {
        "updates": updates + (rest > 0),
        "tokens": answers * tokens_per_answer,
        "hours": seconds / 3600,
        "price": seconds / 3600 * price_per_hour,
        "memory": memory,
    }
