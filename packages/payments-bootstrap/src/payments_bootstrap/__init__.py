"""
The composition root: settings, container, logging, health and worker.
"""
