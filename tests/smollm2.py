"""The shape of SmolLM2-135M, with a small vocabulary: no adapter touches the embeddings."""

from transformers import LlamaConfig

SMOLLM2 = LlamaConfig(
    vocab_size=64, hidden_size=576, intermediate_size=1536, num_hidden_layers=30,
    num_attention_heads=9, num_key_value_heads=3, head_dim=64, tie_word_embeddings=True,
)  # fmt: skip
