"""
RabbitMQ: a virtual host of our own where we may create one, else names with a prefix of our own.
"""

import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from typing import ClassVar
from urllib.parse import quote, urlsplit

from typing_extensions import override

from scripts.servers.amqp import log_in
from scripts.servers.process import await_port, finish, folder_of, free_port, running
from scripts.servers.server import Server, UnavailableError

OWN_FILES = (  # Whatever the machine configures for its own server does not concern ours.
    "CONF_ENV_FILE",
    "CONFIG_FILE",
    "ADVANCED_CONFIG_FILE",
    "ENABLED_PLUGINS_FILE",
    "MNESIA_BASE",
    "LOG_BASE",
    "PID_FILE",
)


def control(*words: str) -> None:
    """
    Tell the machine's own RabbitMQ something, if we may.

    Raises:
        UnavailableError: There is no rabbitmqctl, or it refuses.
    """
    if not shutil.which("rabbitmqctl"):
        raise UnavailableError("there is no rabbitmqctl to create a virtual host with")
    finish("rabbitmqctl", "--quiet", "--timeout", "15", *words)


class RabbitMQ(Server):
    """
    RabbitMQ, asked over AMQP 0-9-1.
    """

    name: ClassVar[str] = "RabbitMQ"
    port: ClassVar[int] = 5672
    variable: ClassVar[str] = "TEST_RABBITMQ_URL"
    image: ClassVar[str] = "rabbitmq:4"
    packages: ClassVar[tuple[str, ...]] = ("rabbitmq-server",)

    @override
    def standard(self, port: int) -> str:
        return f"amqp://guest:guest@127.0.0.1:{port}/%2F"

    @override
    def version(self, url: str) -> str:
        return log_in(url)

    @override
    @contextmanager
    def room(self, url: str) -> Iterator[dict[str, str]]:
        variables = self.as_given(url)
        with ExitStack() as stack:
            # rabbitmqctl speaks to the machine's own server only, wherever the address leads.
            # Where it may not create a virtual host, the prefix alone has to keep tests apart.
            if url == self.standard(self.port):
                name = variables["TEST_RABBITMQ_PREFIX"].rstrip(".")
                with suppress(UnavailableError):
                    variables[self.variable] = stack.enter_context(virtual_host(url, name))
            yield variables

    @override
    def as_given(self, url: str) -> dict[str, str]:
        return {self.variable: url, "TEST_RABBITMQ_PREFIX": f"payments-test-{token_hex(4)}."}

    @override
    def programs(self) -> Path | None:
        # Debian's wrapper in PATH changes the account; the script behind it does not.
        debian = Path("/usr/lib/rabbitmq/bin")
        if (debian / "rabbitmq-server").exists():
            return debian
        return folder_of("rabbitmq-server", "opt/homebrew/opt/rabbitmq/sbin")

    @override
    @contextmanager
    def private(self, programs: Path, folder: Path) -> Iterator[str]:
        port, epmd = free_port(), free_port()
        environment = own_environment(folder, port, epmd)
        names = (folder / "epmd", folder / "node")
        for place in names:
            place.mkdir()
        # The name server is started here, since one that RabbitMQ starts would outlive it.
        with running((epmd_program(), "-port", str(epmd)), names[0], environment=environment) as p:
            await_port(epmd, p, names[0])
            server = (programs / "rabbitmq-server",)
            with running(server, names[1], environment=environment) as process:
                await_port(port, process, names[1])
                yield self.standard(port)


@contextmanager
def virtual_host(url: str, name: str) -> Iterator[str]:
    """
    Create a virtual host for guest on the machine's own server, and delete it at the end.

    Raises:
        UnavailableError: We may not, or the address leads to another server.
    """
    address = urlsplit(url)._replace(path=f"/{quote(name, safe='')}").geturl()
    with ExitStack() as stack:
        # Before it is created, since a signal may come while RabbitMQ is at it.
        stack.callback(delete, name)
        try:
            control("add_vhost", name)
        except UnavailableError:
            stack.pop_all()
            raise
        control("set_permissions", "--vhost", name, "guest", ".*", ".*", ".*")
        log_in(address)
        yield address


def delete(name: str) -> None:
    """
    Delete a virtual host of ours, and say so when that fails.
    """
    try:
        control("delete_vhost", name)
    except UnavailableError as reason:
        print(f"RabbitMQ: virtual host {name} was not deleted: {reason}", file=sys.stderr)


def epmd_program() -> Path:
    """
    Return Erlang's port mapper, which not every package puts into PATH.

    Raises:
        UnavailableError: There is none.
    """
    folder = folder_of("epmd", "usr/lib*/erlang/erts-*/bin", "opt/homebrew/lib/erlang/erts-*/bin")
    if folder is None:
        raise UnavailableError("there is no epmd (part of Erlang) beside RabbitMQ")
    return folder / "epmd"


def own_environment(folder: Path, port: int, epmd: int) -> dict[str, str]:
    """
    Return the settings under which a node shares no name, port, cookie or file with another.
    """
    files = {f"RABBITMQ_{name}": str(folder / name.lower()) for name in OWN_FILES}
    return files | {
        "HOME": str(folder),
        "RABBITMQ_NODENAME": f"payments-{token_hex(4)}@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(free_port()),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_EPMD_PORT": str(epmd),
    }
