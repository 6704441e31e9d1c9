"""
The payment service's command line.
"""
