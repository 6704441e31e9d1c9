"""
The payment domain, its ports and its use cases, in pure Python.
"""
