"""
What Prometheus is told: counted where it happens, and what is not done yet out of the database.
"""
