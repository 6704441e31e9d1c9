"""
The promises, each as a pure function of what is stored or of what the provider has.
"""
