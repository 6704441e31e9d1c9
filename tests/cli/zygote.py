"""
Runs commands on pseudo-terminals, each in a fork of a process that has imported everything.

Starting the command line takes most of a second; a fork takes milliseconds, and is a process
of its own all the same: with a controlling terminal, signals, and an exit code.
"""

import json
import os
import sys
from typing import Any, NoReturn

from payments_bootstrap.container import Container
from payments_cli.main import COMMANDS, main

_CONTAINER = Container
"""
Imported here, so that no fork has to.
"""


def child(request: dict[str, Any]) -> NoReturn:
    """
    Become the command on its terminal.
    """
    code = 70
    try:
        os.setsid()
        # The first terminal that a session leader opens controls it: Ctrl-C comes from there.
        terminal = os.open(request["terminal"], os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(terminal, number)
        sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w")  # noqa: SIM115 - by number
        os.environ.update(request["environ"])
        os.chdir(request["home"])
        main(request["words"])
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    for name in COMMANDS:
        main.get_command(None, name)  # type: ignore[arg-type]  # it needs none
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            child(json.loads(line))
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201 - the answer
