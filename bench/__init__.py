"""Reproducible measurements against the budgets: `python -m bench`. Never imported by the product
or by tests of time.
"""
