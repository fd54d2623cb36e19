"""What was used: sums by day, tenant, pattern, step and model, kept for months."""

from penstock.usage.folding import Folding
from penstock.usage.report import as_csv, columns, days, report

__all__ = ["Folding", "as_csv", "columns", "days", "report"]
