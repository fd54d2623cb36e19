"""What may be spent: by a job, and by a tenant in a day or a month. Reserved before a call, settled after it."""

from penstock.budgets.pots import Pot, check, pots_of
from penstock.budgets.purse import Purse

__all__ = ["Pot", "Purse", "check", "pots_of"]
