def plan_run(
    tokens_per_second: float,
    answers: int,
    tokens_per_answer: int = 96,
    answers_per_update: int = 16,
    price_per_hour: float = 0.0,
    base_parameters: int = 134_515_008,
    adapter_parameters: int = 0,
    bytes_per_token: float = 0.0,
    tokens_at_once: int = 0,
    memory_bytes: float = 16e9,
) -> dict[str, float]:
    positive = {
        "tokens_per_second": tokens_per_second, "answers": answers,
        "tokens_per_answer": tokens_per_answer, "answers_per_update": answers_per_update,
    }  # fmt: skip
    for name, value in positive.items():
        if not value >= 1:
            raise ValueError(f"{name}: expected more than 0, got {value}")
    memory = 4 * base_parameters + 16 * adapter_parameters + bytes_per_token * tokens_at_once
    if memory > memory_bytes:
        raise ValueError(
            f"memory: the run needs {memory / 1e9:.2f} GB, the machine has {memory_bytes / 1e9:.2f}"
        )
    tokens = answers * tokens_per_answer
    hours = tokens / tokens_per_second / 3600
    return {
        "updates": math.ceil(answers / answers_per_update),
        "tokens": tokens,
        "hours": hours,
        "price": hours * price_per_hour,
        "memory": memory,
    }
