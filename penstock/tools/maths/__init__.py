"""What runs in the sandbox's child process: read, evaluate, solve and check mathematics.

    text ──▶ syntax (a lark tree) ──▶ evaluator (sympy and pint objects) ──▶ notation (text)
                                          │
                             functions, equations, quantities

Nothing here is imported by a service's own process.
"""
