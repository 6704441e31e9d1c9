"""
Keeping secrets and card numbers out of everything that is written down: logs, rows, messages.
"""

from payments_core.masking.card_numbers import contains_card_number
from payments_core.masking.secrets import MASK, mask, mask_tree, one_line, shows_secret

__all__ = ["MASK", "contains_card_number", "mask", "mask_tree", "one_line", "shows_secret"]
