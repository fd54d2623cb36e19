"""How good the answers are: cases with a planted truth, put to real steps and patterns, and measured.

    cases ──▶ running (a stack of its own) ──▶ evidence, case by case ──▶ measures, statistics ──▶ report
                   └──▶ recording ──▶ the model, or what it replied before

What is measured is decided by code. Where it cannot, another model may say which of two answers is better (`judge.py`).
"""
