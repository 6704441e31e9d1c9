"""
The use cases: a command in, one transaction or two, an answer out.
"""
