"""Which language does a notebook's kernel speak, and is the kernel installed?"""

import functools

from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel
from nbformat import NotebookNode

from nexa_grade.errors import UngradableError

PYTHON = "python"
NATIVE = ("", "python")  # Jupyter takes these for python3


def kernel_language(nb: NotebookNode) -> str:
    """Read the language of a notebook's kernel; nbgrader has set the release's kernel before.

    Returns:
        The language in lower case, ``"python"`` where the notebook names no kernel.

    Raises:
        UngradableError: The kernel is not installed.
    """
    name = str(nb.metadata.get("kernelspec", {}).get("name", ""))
    return language_of(name) if name not in NATIVE else PYTHON


@functools.cache
def language_of(kernel: str) -> str:
    """Read the language of a kernel by its name, as Jupyter finds it.

    Raises:
        UngradableError: There is no such kernel.
    """
    try:
        return str(KernelSpecManager().get_kernel_spec(kernel).language).lower()
    except NoSuchKernel:
        raise UngradableError(f"no kernel {kernel!a} is installed on this machine") from None
