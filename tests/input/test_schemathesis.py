"""
The running API against its own description, two thousand times.
"""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.input.serving import served

CONFIGURATION = Path(__file__).with_name("schemathesis") / "schemathesis.toml"
CASES = 2_000
EXAMPLES = 90
"""
For each operation and phase; with what schemathesis adds by itself that is more than CASES.
"""


@pytest.mark.slow
def test_the_api_is_as_described(tmp_path: Path) -> None:
    """
    Every answer is one that the description knows, and no check of schemathesis fails.

    The token may do everything that anybody may. A fifth of the requests at least do something.
    """
    service = {
        "azp": "fulfillment-service",
        "preferred_username": "service-account-fulfillment-service",
    }
    with served(tmp_path, LOG__LEVEL="INFO", LIMITS__ENABLED="false") as api:
        token = api.issuer.token("Admin", sub="root", **service)
        ended = subprocess.run(
            [
                str(Path(sys.executable).with_name("schemathesis")),
                f"--config-file={CONFIGURATION}",
                "run",
                f"{api.url}/swagger/v1/swagger.json",
                "--checks=all",
                f"--max-examples={EXAMPLES}",
                f"--header=Authorization: Bearer {token}",
                "--report=har",
                f"--report-har-path={tmp_path / 'report.json'}",
            ],
            cwd=CONFIGURATION.parent,
            capture_output=True,
            text=True,
            check=False,
        )
        log = api.log.read_text()
    entries = json.loads((tmp_path / "report.json").read_text())["log"]["entries"]
    statuses = Counter(entry["response"]["status"] // 100 for entry in entries)

    assert ended.returncode == 0, ended.stdout[-20_000:]
    assert statuses.total() >= CASES
    assert statuses[2] * 5 >= statuses.total(), statuses
    assert statuses[5] == 0
    assert "Traceback" not in log
