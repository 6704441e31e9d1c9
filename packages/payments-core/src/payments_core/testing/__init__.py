"""
Test doubles and conformance suites, shipped for everyone who builds on the core.
"""
