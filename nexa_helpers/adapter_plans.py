"""Assignment real_model, section 6: the size of an adapter, and the plan of a run."""

import math
from typing import Any

LINEAR_LAYERS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


def adapter_size(
    config: Any, rank: int, target_modules: tuple[str, ...] = LINEAR_LAYERS
) -> dict[str, int]:
    """Count the parameters of a LoRA adapter, and its bytes in float16.

    A linear layer from ``d_in`` to ``d_out`` gets two matrices: rank × d_in and d_out ×
    rank.

    Args:
        config: Of a Llama-like model: ``hidden_size``, ``intermediate_size``,
            ``head_dim``, ``num_attention_heads``, ``num_key_value_heads``,
            ``num_hidden_layers``.
        rank: 1 or more.
        target_modules: Names of ``LINEAR_LAYERS``, in any order; a name counts once.

    Returns:
        ``parameters`` and ``bytes``.

    Raises:
        ValueError: The rank is below 1, or a name is unknown.
    """
    hidden, inner = config.hidden_size, config.intermediate_size
    queries = config.num_attention_heads * config.head_dim
    keys = config.num_key_value_heads * config.head_dim
    shapes = {
        "q_proj": (hidden, queries), "k_proj": (hidden, keys), "v_proj": (hidden, keys),
        "o_proj": (queries, hidden), "gate_proj": (hidden, inner), "up_proj": (hidden, inner),
        "down_proj": (inner, hidden),
    }  # fmt: skip
    if rank < 1:
        raise ValueError(f"rank: expected 1 or more, got {rank}")
    if unknown := set(target_modules) - set(shapes):
        raise ValueError(f"target_modules: expected names of {list(shapes)}, got {sorted(unknown)}")
    in_one_layer = sum(rank * sum(shapes[name]) for name in set(target_modules))
    parameters = config.num_hidden_layers * in_one_layer
    return {"parameters": parameters, "bytes": 2 * parameters}


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
    """Plan a training run from a measured throughput, and refuse one that does not fit.

    Memory: float32 weights (4 bytes), the adapter in training (16: weights, gradient,
    AdamW's two moments), and ``bytes_per_token`` for each token of the largest part of
    a batch.

    Args:
        tokens_per_second: Response tokens per second of a whole update, measured.
        answers: Answers to learn from, in all.
        tokens_per_answer: Mean length.
        answers_per_update: The last update may have fewer.
        price_per_hour: Of the machine.
        base_parameters: Of the frozen model.
        adapter_parameters: Of the adapter.
        bytes_per_token: Measured growth of the peak per token that is held at once.
        tokens_at_once: Prompts included.
        memory_bytes: What the machine has.

    Returns:
        ``updates``, ``tokens``, ``hours``, ``price``, and ``memory`` in bytes.

    Raises:
        ValueError: The throughput or a count is not positive, or the memory is too
            small.
    """
    positive = {
        "tokens_per_second": tokens_per_second, "answers": answers,
        "tokens_per_answer": tokens_per_answer, "answers_per_update": answers_per_update,
    }  # fmt: skip
    for name, value in positive.items():
        if not value > 0:
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
