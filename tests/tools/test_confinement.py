"""A confined process executes no text, starts no process, opens no connection, writes no file."""

import subprocess
import sys

import pytest

ATTEMPTS = {
    "eval": "eval('1 + 1')",
    "exec": "exec('x = 1')",
    "compile": "compile('1', '<text>', 'eval')",
    "literal_eval": "import ast; ast.literal_eval('1')",
    "sympify": "import sympy; sympy.sympify('1 + 1')",
    "parse_expr": "from sympy.parsing.sympy_parser import parse_expr; parse_expr('1 + 1')",
    "lambdify": "import sympy; sympy.lambdify(sympy.Symbol('x'), sympy.Symbol('x') + 1)",
    "a process": "import subprocess; subprocess.run(['id'])",
    "a shell": "import os; os.system('id')",
    "a connection": "import socket; socket.socket()",
    "a file": "open('/tmp/penstock-was-here', 'w')",
    "foreign code": "import ctypes; ctypes.CDLL(None)",
    "unpickling": "import pickle; pickle.loads(b'cposix\\nsystem\\n.')",
}


@pytest.mark.parametrize("attempt", ATTEMPTS.values(), ids=ATTEMPTS.keys())
def test_a_confined_process_cannot(attempt: str):
    modules = "import ast, ctypes, pickle, socket, subprocess, sympy, sympy.parsing.sympy_parser"
    program = f"{modules}\nfrom penstock.tools.confinement import confine\nconfine(2**29)\n{attempt}\nprint('done')"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=20)
    assert "Forbidden" in ended.stderr
    assert "done" not in ended.stdout
