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
    if math.isnan(tokens_per_second) or tokens_per_second <= 0:
        raise ValueError("tokens_per_second")
    if min(answers, tokens_per_answer, answers_per_update) <= 0:
        raise ValueError("a count is not above zero")
    memory = sum([4 * base_parameters, 16 * adapter_parameters, tokens_at_once * bytes_per_token])
    if memory > memory_bytes:
        raise ValueError(f"{memory} of {memory_bytes}")
    plan = {"tokens": answers * tokens_per_answer, "memory": memory}
    plan["updates"] = int(np.ceil(answers / answers_per_update))
    plan["hours"] = plan["tokens"] / tokens_per_second / 60 / 60
    plan["price"] = plan["hours"] * price_per_hour
    return plan
