"""
Suites that every adapter of a port must pass.

Subclass a suite in a test module of yours and override its fixtures; pytest collects the
subclass. For readable failures call, in your conftest,
``pytest.register_assert_rewrite("payments_core.testing.conformance")``.
"""
