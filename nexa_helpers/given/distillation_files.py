"""The ready-made files of the second assignment, with their SHA-256."""

READY_MADE_FILES = {
    "deployed.safetensors": "e04974d6f133abeb1548f7e07d782fb9c19464ff256c6a357c75799cc1c65a52",
    "results.json": "01beaddf27a536fdd7fdaccc130e0827cd208f433fdf8c6123f2d6dc58425583",
    "tokenizer.json": "e35320578ab0bf358abebe4dc5042542eba972595f640a74dfd5136fa8dbb7fc",
}
