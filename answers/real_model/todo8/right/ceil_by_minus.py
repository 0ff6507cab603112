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
    for value in (tokens_per_second, answers, tokens_per_answer, answers_per_update):
        if not value > 0:
            raise ValueError(f"expected more than 0, got {value}")
    need = base_parameters * 4 + adapter_parameters * 16 + bytes_per_token * tokens_at_once
    if need > memory_bytes:
        raise ValueError("does not fit")
    total = answers * tokens_per_answer
    return dict(
        tokens=total,
        updates=-(-answers // answers_per_update),
        hours=total / (3600 * tokens_per_second),
        price=total / (3600 * tokens_per_second) * price_per_hour,
        memory=need,
    )
