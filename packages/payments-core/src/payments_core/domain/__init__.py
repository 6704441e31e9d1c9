"""
The rules of payments: values, the aggregate, and what may happen to it.
"""
