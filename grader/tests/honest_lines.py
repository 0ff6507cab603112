"""Lines as they stand in public notebooks, which a search for forgery may take for one.

Each stands in the student's own cell, above a right answer.
"""

HONEST = {
    "frame": "import inspect\ndef where():\n    return inspect.currentframe().f_lineno\nwhere()\n",
    "caller": "import sys\ndef log(text):\n    print(sys._getframe(1).f_code.co_name, text)\n",
    "excepthook": "import sys, traceback\n"
    "def show(kind, value, trace):\n    traceback.print_exception(kind, value, trace)\n"
    "sys.excepthook = show\n",
    "custom_exception": "def quiet(shell, kind, value, trace, tb_offset=None):\n    print(value)\n"
    "get_ipython().set_custom_exc((KeyError,), quiet)\n",
    "events": "import time\ndef begin(*_):\n    global began\n    began = time.time()\n"
    "get_ipython().events.register('pre_run_cell', begin)\n",
    "history": "print(In[-1][:20])\n_ih[-1]\n",
    "atexit": "import atexit\natexit.register(print, 'done')\n",
    "timeout": "import signal\ndef stop(number, frame):\n    raise TimeoutError\n"
    "signal.signal(signal.SIGALRM, stop)\n",
    "collector": "import gc\nprint(len(gc.get_objects()))\ngc.collect()\n",
    "memory": "import ctypes\nlibc = ctypes.CDLL(None)\nlibc.malloc_trim(0)\n",
    "subclasses": "class Base: pass\nclass One(Base): pass\n"
    "MODELS = {kind.__name__: kind for kind in Base.__subclasses__()}\n",
    "eval": "options = eval('dict(a=1)')\nexec('two = 2')\n",
    "equal": "class Token(str):\n    def __eq__(self, other):\n"
    "        return self.lower() == str(other).lower()\n    __hash__ = str.__hash__\n",
    "always": "class Anything:\n    def __eq__(self, other):\n        return True\n",
    "destructor": "class File:\n    def __del__(self):\n        pass\n",
    "reduce": "class Row:\n    def __init__(self, *values): self.values = values\n"
    "    def __reduce__(self):\n        return Row, tuple(self.values)\n",
    "pickle": "import pickle\nassert pickle.loads(pickle.dumps([1])) == [1]\n",
    "patched_print": "import builtins, functools\n"
    "builtins.print = functools.partial(print, flush=True)\n",
    "patched_library": "import math\nmath.tau = 2 * math.pi\nmath.clamp = lambda x: max(0, x)\n",
    "shim": "import collections, collections.abc\ncollections.Mapping = collections.abc.Mapping\n",
    "monkeypatch": "from unittest.mock import patch\nimport time\n"
    "with patch('time.sleep'):\n    time.sleep(100)\n",
    "modules": "import sys, types\nsys.modules.setdefault('config', types.ModuleType('config'))\n",
    "main": "import __main__\nprint(hasattr(__main__, '__file__'))\n"
    "if __name__ == '__main__':\n    print('runs')\n",
    "thread": "import threading\ndef beat():\n    threading.Event().wait(60)\n"
    "threading.Thread(target=beat, daemon=True).start()\n",
    "pool": "from concurrent.futures import ThreadPoolExecutor\n"
    "with ThreadPoolExecutor(2) as pool:\n    print(list(pool.map(abs, [-1, 2])))\n",
    "task": "import asyncio\nasync def soon():\n    await asyncio.sleep(0)\nawait soon()\n",
    "shell": "!ls\nfiles = !pwd\n%time sum(range(10))\n",
    "subprocess": "import os, subprocess\nsubprocess.run(['true'], check=True)\n"
    "os.system('true')\nsubprocess.Popen(['true'])\n",
    "own_module": "%%capture\nfrom pathlib import Path\nPath('helpers.py').write_text('x = 1')\n",
    "environment": "import os\nIS_GRADED = 'NBGRADER_EXECUTION' in os.environ\n",
    "trace": "import sys\nsys.setprofile(lambda *a: None)\nsys.setprofile(None)\n",
    "defaults": "def power(x, n=2):\n    return x ** n\npower.__defaults__ = (3,)\n"
    "print(power.__code__.co_varnames)\n",
    "name_of_python": "sum = 0\nfor i in range(3):\n    sum += i\nlist = [1]\n",
    "given_name": "LIMIT = 5\nlimits = [LIMIT]\n",
    "generator": "def numbers():\n    yield from range(3)\nprint(numbers().gi_frame is not None)\n",
    "metaclass": "class Registry(type):\n    known = {}\n"
    "    def __init__(cls, name, bases, space):\n        Registry.known[name] = cls\n"
    "class Model(metaclass=Registry): pass\n",
    "own_error": "import nothing_like_this\n1 / 0\n",
}
