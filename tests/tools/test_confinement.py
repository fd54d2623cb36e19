"""A confined process executes no text, starts no process, opens no connection, writes no file."""

import json
import subprocess
import sys
from pathlib import Path

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


PROGRAM = """
import ast, ctypes, json, pickle, socket, subprocess, sympy, sympy.parsing.sympy_parser, sys
from penstock.tools.confinement import Forbidden, confine
attempts = {name: compile(text, __file__, "exec") for name, text in json.loads(sys.argv[1]).items()}
confine(2**29)
for name, attempt in attempts.items():
    try:
        exec(attempt)
    except Forbidden:
        print(name)
"""


def test_a_confined_process_cannot_do_any_of_these(tmp_path: Path):
    program = tmp_path / "confined.py"
    program.write_text(PROGRAM)
    command = [sys.executable, str(program), json.dumps(ATTEMPTS)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    assert ended.stdout.splitlines() == list(ATTEMPTS), ended.stderr
