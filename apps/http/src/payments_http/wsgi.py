"""
What gunicorn loads: ``gunicorn -c python:payments_http.serving payments_http.wsgi:app``.
"""

import os

from payments_bootstrap import bootstrap
from payments_http.app import create_app

app = create_app(bootstrap(os.environ))
