"""Ways around a guard of Python: each is seen for what it is, or the program is not complete. Nothing here is skipped.

`SEEN` ends in a function of the operating system that the tree must name. `DYNAMIC` cannot be followed and must say so.
"""

from __future__ import annotations

import pytest

from engine.command.parse import parse_command
from engine.command.tree import Command

SEEN: dict[str, tuple[str, str]] = {
    "plain": ("import os\nos.system('id')", "os.system"),
    "alias of a module": ("import os as o\no.system('id')", "os.system"),
    "alias of a function": ("from os import system as s\ns('id')", "os.system"),
    "alias of an alias": ("import os\na = os\nb = a\nc = b.system\nc('id')", "os.system"),
    "inside one line": ("import os; (x := os).system('id')", "os.system"),
    "star import": ("from os import *\nsystem('id')", "os.system"),
    "the C module below": ("import posix\nposix.system('id')", "os.system"),
    "through another module": ("import random\nrandom._os.system('id')", "os.system"),
    "through two modules": ("import json\njson.codecs.sys.modules['os'].system('id')", "os.system"),
    "through a module of a package": ("import os.path as p\np.os.system('id')", "os.system"),
    "through logging": ("import logging\nlogging.os.system('id')", "os.system"),
    "from a private name": ("from random import _os as o\no.system('id')", "os.system"),
    "__import__": ("__import__('os').system('id')", "os.system"),
    "__import__ of a made text": ("__import__('o' + 's').system('id')", "os.system"),
    "importlib": ("import importlib\nimportlib.import_module('os').system('id')", "os.system"),
    "importlib under another name": (
        "from importlib import import_module as i\ni('subprocess').run('id')",
        "subprocess.run",
    ),
    "getattr": ("import os\ngetattr(os, 'system')('id')", "os.system"),
    "getattr of a sum": ("import os\ngetattr(os, 'sys' + 'tem')('id')", "os.system"),
    "getattr of a name": ("import os\nn = 'sys'\nm = n + 'tem'\ngetattr(os, m)('id')", "os.system"),
    "getattr of a reversed text": ("import os\ngetattr(os, 'metsys'[::-1])('id')", "os.system"),
    "getattr of an f-string": ("import os\na = 'sys'\ngetattr(os, f'{a}tem')('id')", "os.system"),
    "getattr of a join": ("import os\ngetattr(os, ''.join(['sys', 'tem']))('id')", "os.system"),
    "getattr of characters": ("import os\ngetattr(os, chr(115) + 'ystem')('id')", "os.system"),
    "getattr of mapped characters": (
        "import os\ngetattr(os, ''.join(map(chr, [115, 121, 115, 116, 101, 109])))('id')",
        "os.system",
    ),
    "getattr of reversed characters": ("import os\ngetattr(os, ''.join(reversed('metsys')))('id')", "os.system"),
    "getattr of hex": ("import os\ngetattr(os, bytes.fromhex('73797374656d').decode())('id')", "os.system"),
    "getattr of bytes": ("import os\ngetattr(os, bytes([115, 121, 115, 116, 101, 109]).decode())('id')", "os.system"),
    "getattr of base64": ("import os, base64\ngetattr(os, base64.b64decode('c3lzdGVt').decode())('id')", "os.system"),
    "getattr of rot13": ("import os, codecs\ngetattr(os, codecs.decode('flfgrz', 'rot13'))('id')", "os.system"),
    "getattr of percent": ("import os\ngetattr(os, 'sys%s' % 'tem')('id')", "os.system"),
    "getattr of format": ("import os\ngetattr(os, 'sys{}'.format('tem'))('id')", "os.system"),
    "getattr of replace": ("import os\ngetattr(os, 'xystem'.replace('x', 's'))('id')", "os.system"),
    "getattr of lower": ("import os\ngetattr(os, 'SYSTEM'.lower())('id')", "os.system"),
    "getattr kept under a name": ("import os\nf = getattr(os, 'system')\nf('id')", "os.system"),
    "getattr with a default": ("import os\ngetattr(0, 'nothing', os.system)('id')", "os.system"),
    "escapes in a text": ("import os\ngetattr(os, '\\x73ystem')('id')", "os.system"),
    "vars": ("import os\nvars(os)['system']('id')", "os.system"),
    "__dict__": ("import os\nos.__dict__['system']('id')", "os.system"),
    "sys.modules": ("import sys\nsys.modules['os'].system('id')", "os.system"),
    "sys.modules by get": ("import sys\nsys.modules.get('os').system('id')", "os.system"),
    "globals": ("import os\nglobals()['os'].system('id')", "os.system"),
    "builtins by name": ('__builtins__.eval(\'__import__("os").system("id")\')', "builtins.eval"),
    "builtins as a dictionary": ("__builtins__['eval']('1')", "builtins.eval"),
    "builtins through globals": ("globals()['__builtins__']['exec']('1')", "builtins.exec"),
    "builtins as a module": ("import builtins as b\nb.exec('import os')", "builtins.exec"),
    "eval": ("eval(\"__import__('os').system('id')\")", "os.system"),
    "exec with names of outside": ("import os as o\nexec(\"o.system('id')\")", "os.system"),
    "exec of base64": ("import base64\nexec(base64.b64decode('aW1wb3J0IG9zO29zLnN5c3RlbSgiaWQiKQ=='))", "os.system"),
    "exec of exec": ("exec('exec(\"import os; os.system(1)\")')", "os.system"),
    "compile": ("exec(compile('import os; os.system(1)', 'x', 'exec'))", "os.system"),
    "eval under another name": ("e = eval\ne('1')", "builtins.eval"),
    "a conditional": ("import os\n(os.system if 1 else print)('id')", "os.system"),
    "or": ("import os\n(None or os.system)('id')", "os.system"),
    "a lambda": ("import os\n(lambda: os.system('id'))()", "os.system"),
    "a default of a parameter": ("import os\ndef f(run=os.system):\n    run('id')\nf()", "os.system"),
    "handed to map": ("import os\nlist(map(os.system, ['id']))", "os.system"),
    "handed to a thread": (
        "import os, threading\nthreading.Thread(target=os.system, args=('id',)).start()",
        "os.system",
    ),
    "kept in a list": ("import os\nx = [os.system]\nx[0]('id')", "os.system"),
    "kept in a dictionary": ("import os\nx = {'run': os.system}\nx['run']('id')", "os.system"),
    "kept in an object": ("import os\nclass A:\n    run = os.system\nA.run('id')", "os.system"),
    "a special method": ("import os\nclass A:\n    __getattr__ = os.system\nA().id", "os.system"),
    "a decorator": ("import os\n@os.system\ndef f(): pass", "os.system"),
    "a decorator that is a lambda": ("import os\n@lambda f: os.system('id')\ndef f(): pass", "os.system"),
    "a base class": ("import subprocess\nclass P(subprocess.Popen): pass\nP(['id'])", "subprocess.Popen"),
    "functools.partial": ("import os, functools\nfunctools.partial(os.system, 'id')()", "os.system"),
    "atexit": ("import os, atexit\natexit.register(os.system, 'id')", "os.system"),
    "an annotation": ("import os\ndef f(x: os.system('id')): pass", "os.system"),
    "a comprehension": ("import os\n[f('id') for f in [os.system]]", "os.system"),
    "a tuple taken apart": ("import os\na, b = print, os.system\nb('id')", "os.system"),
    "a global inside a function": ("def f():\n    global o\n    import os as o\nf()\no.system('id')", "os.system"),
    "a nonlocal": (
        "def f():\n    o = None\n    def g():\n        nonlocal o\n        import os as o\n    g()\n    o.system('id')",
        "os.system",
    ),
    "a walrus in a comprehension": ("import os\n[z := os for _ in [0]]\nz.system('id')", "os.system"),
    "a name that is bound later": ("def f():\n    o.system('id')\nimport os as o\nf()", "os.system"),
    "a name with two meanings": ("import os as o\nif 0:\n    import math as o\no.system('id')", "os.system"),
    "open taken away again": ("def open(*a): pass\ndel open\nopen('/etc/shadow')", "builtins.open"),
    "open of os": ("import os\nos.open('/etc/shadow', 0)", "os.open"),
    "a letter that only looks so": ("import os\nos.ｓystem('id')", "os.system"),
    "a module that only looks so": ("import ｏs\nos.system('id')", "os.system"),
    "a form feed": ("\x0cimport os\n\x0cos.system('id')", "os.system"),
    "lines with carriage returns": ("import os\ros.system('id')\r", "os.system"),
    "a line that goes on": ("import os\nos.\\\nsystem('id')", "os.system"),
    "posix_spawn": ("import os\nos.posix_spawn('/bin/id', ['id'], {})", "os.posix_spawn"),
    "pty": ("import pty\npty.spawn('/bin/sh')", "pty.spawn"),
    "asyncio": (
        "import asyncio\nasyncio.run(asyncio.create_subprocess_shell('id'))",
        "asyncio.create_subprocess_shell",
    ),
    "fork_exec": ("import _posixsubprocess\n_posixsubprocess.fork_exec([], [])", "_posixsubprocess.fork_exec"),
    "ctypes": ("import ctypes\nctypes.CDLL(None).system(b'id')", "ctypes.CDLL"),
    "pickle": ("import pickle\npickle.loads(b'cos\\nsystem\\n(S\"id\"\\ntR.')", "pickle.loads"),
    "yaml": ("import yaml\nyaml.load('x', Loader=yaml.Loader)", "yaml.load"),
    "timeit": ("import timeit\ntimeit.timeit('import os')", "timeit.timeit"),
    "runpy": ("import runpy\nrunpy.run_path('/tmp/x.py')", "runpy.run_path"),
    "code.interact": ("import code\ncode.InteractiveInterpreter().runsource('1')", "code.InteractiveInterpreter"),
    "inside an f-string": ("import os\nf\"{os.system('id')}\"", "os.system"),
    "a text in an annotation": ("import os\ndef f(x: \"os.system('id')\"): pass", "os.system"),
    "a text in an annotation of a name": ("import os\nx: \"list[os.system('id')]\" = 1", "os.system"),
    "the builtins that enum holds": ("import enum\nenum.bltns.exec('1')", "builtins.exec"),
    "a log file": ("import logging\nlogging.basicConfig(filename='/etc/cron.d/x')", "logging.basicConfig"),
    "a document that is saved": (
        "import openpyxl\nopenpyxl.Workbook().save('/etc/cron.d/x')",
        "openpyxl.Workbook().save",
    ),
    "an array that is written": ("import numpy as n\nn.zeros(3).tofile('/etc/cron.d/x')", "numpy.zeros().tofile"),
    "an array with objects": ("import numpy as n\nn.load('x.npy', allow_pickle=True)", "numpy.load"),
    "an array with objects by place": ("import numpy as n\nn.load('x.npy', None, True)", "numpy.load"),
    "pandas.eval": ("import pandas as pd\npd.eval('@__import__')", "pandas.eval"),
}

DYNAMIC: dict[str, str] = {
    "getattr of what comes in": "import os\ngetattr(os, input())('id')",
    "getattr without a name": "import os\ng = getattr\ng(os, 'sys' 'tem')('id')",
    "a module as an argument": "import os\ndef f(m):\n    return m.remove\nf(os)('x')",
    "a module in a list": "import os\nfor m in [os]:\n    m.whatever('id')",
    "a module that is returned": "import os\ndef f():\n    return os\nf().whatever('id')",
    "a module in a match": "import os\nmatch os:\n    case object(system=f):\n        f('id')",
    "reduce": "import functools, os\nfunctools.reduce(getattr, ['system'], os)('id')",
    "attrgetter": "import operator\noperator.attrgetter('system')",
    "methodcaller": "import operator\noperator.methodcaller('system', 'id')",
    "the class of a class": "().__class__.__bases__[0].__subclasses__()",
    "the globals of a function": "def f(): pass\nf.__globals__['__builtins__']",
    "the module of print": "print.__self__.eval('1')",
    "a frame": "def f():\n    yield\nf().gi_frame.f_back.f_globals",
    "a traceback": "try:\n    1/0\nexcept Exception as e:\n    e.__traceback__.tb_frame.f_builtins['eval']('1')",
    "sys._getframe": "import sys\nsys._getframe(0).f_builtins",
    "gc": "import gc\ngc.get_objects()",
    "inspect": "import inspect\ninspect.currentframe()",
    "a loader": "__loader__.load_module('os').system('id')",
    "type with three": "type('A', (), {'__init__': lambda s: 0})()()",
    "a call of a parameter": "def f(g):\n    g('id')\n",
    "a module nobody knows": "import helper\nhelper.run()",
    "a module beside this one": "from . import helper",
    "a star of a module nobody knows": "from helper import *\nrun('id')",
    "a computed import": "__import__(input())",
    "a name without a meaning": "system('id')",
    "a name put among the builtins": "import builtins\nbuiltins.print = eval\nprint('1')",
    "a module patched": "import json, os\njson.loads = os.system\njson.loads('id')",
    "a module patched by setattr": "import json\nsetattr(json, 'loads', input)",
    "sys.modules patched": "import sys\nsys.modules['json'] = None\nimport json",
    "the path of imports": "import sys\nsys.path.insert(0, '/tmp/x')\nimport json",
    "the folder of imports": "import os\nos.chdir('/tmp/x')\nimport json",
    "an import hook": "import sys\nsys.meta_path.append(object())",
    "the path of imports under another name": "import sys\np = sys.path\np.insert(0, '/tmp/x')\nimport json",
    "the folder through contextlib": "import contextlib\nwith contextlib.chdir('/tmp/x'):\n    import json",
    "a formatter": "import string\nstring.Formatter().get_field('0.__self__', (print,), {})[0].getattr",
    "an annotation for singledispatch": "import functools\n@functools.singledispatch\ndef f(x): pass",
    "formulas": "import statsmodels.formula.api as f\nf.ols('y ~ __import__(1)', 0)",
    "sympy": "import sympy\nsympy.simplify('__import__(1)')",
    "a query of a frame": "def f(df):\n    return df.query('@x.y')",
    "a process handed on": "import subprocess\ndef f(g):\n    return g\nf(subprocess.run)",
    "a backend by name": "import matplotlib\nmatplotlib.use('module://evil')",
    "exec that binds a name": "import os\nn = 'getcwd'\nexec(\"n = 'system'\")\ngetattr(os, n)('id')",
    "a name changed in a loop": "import os\nn = 'get'\nn += input()\ngetattr(os, n)()",
    "a command from outside": "import subprocess\nsubprocess.run(input(), shell=True)",
    "a command in a list that changes": "import subprocess\nc = ['ls']\nc[0] = input()\nsubprocess.run(c)",
    "arguments from a dictionary": "import subprocess\nsubprocess.run(**{'args': ['id']})",
    "another program than the line says": "import subprocess\nsubprocess.run(['ls'], executable='/tmp/x')",
    "SQL from outside": "import sqlite3\nsqlite3.connect('x').execute('DROP TABLE ' + input())",
    "SQL that the driver of SQLite alone knows": "import sqlite3\nsqlite3.connect('x').execute('ATTACH DATABASE ? AS y')",
    "a text that formats attributes": "'{0.__class__.__init__.__globals__}'.format(print)",
    "getattr with dunders": "getattr(print, '__self__')",
    "another encoding": "# -*- coding: utf-7 -*-\n+AGkAbQBwAG8AcgB0 os",
    "another encoding in line two": "#!/usr/bin/env python\n# vim: set fileencoding=rot13 :\nvzcbeg bf",
    "a mark of direction": "x = 'a\u202eb'",
    "a blank without width": "import o\u200bs",
    "a NUL": "import os\x00\nos.system('id')",
    "no Python": "import os os.system('id')",
    "Python 2": "print 'x'",
    "a notebook's line that runs Python": "!echo {__import__('os').system('id')}",
    "a notebook's magic": "%run /tmp/x.py",
    "a notebook's cell": "%%javascript\nalert(1)",
    "a notebook's line in a text": "x = '''\n!id\n'''\n!ls",
}


def tree(text: str) -> Command:
    return parse_command("python", text).command


@pytest.mark.parametrize("name", SEEN)
def test_a_way_around_is_seen(name: str) -> None:
    text, function = SEEN[name]
    command = tree(text)
    named = {
        one.python.function
        for one in command.operations
        if one.python is not None and one.kind not in ("import_module", "compute")
    }
    assert function in named, named


@pytest.mark.parametrize("name", DYNAMIC)
def test_what_cannot_be_followed_is_said_to_be_so(name: str) -> None:
    command = tree(DYNAMIC[name])
    assert not command.complete
    assert command.problems


def test_there_are_enough_of_them() -> None:
    assert len(SEEN) + len(DYNAMIC) >= 120
