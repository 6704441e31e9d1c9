"""
The parts of a comparison with the provider: one module for each thing that is compared.
"""
