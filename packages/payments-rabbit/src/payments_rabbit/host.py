"""
Which process speaks, as every envelope says.
"""

import os
import platform
import socket
from importlib.metadata import version
from typing import Final

import attrs

_FIELDS: Final = {
    "machineName": "machine_name",
    "processName": "process_name",
    "processId": "process_id",
    "assembly": "assembly",
    "assemblyVersion": "assembly_version",
    "frameworkVersion": "framework_version",
    "massTransitVersion": "mass_transit_version",
    "operatingSystemVersion": "operating_system_version",
}


@attrs.frozen(kw_only=True)
class Host:
    """
    The process, in .NET's words.

    Attributes:
        process_id: A number in JSON: .NET refuses a string.
    """

    machine_name: str
    process_name: str = "payments-rabbit"
    process_id: int
    assembly: str = "payments-rabbit"
    assembly_version: str
    framework_version: str
    mass_transit_version: str = "0.0.0.0"  # noqa: S104 - a version: there is no MassTransit here
    operating_system_version: str

    @classmethod
    def here(cls) -> "Host":
        """
        Return this process.
        """
        return cls(
            machine_name=socket.gethostname(),
            process_id=os.getpid(),
            assembly_version=f"{version('payments-rabbit')}.0",
            framework_version=platform.python_version(),
            operating_system_version=f"{platform.system()} {platform.release()}",
        )

    def fields(self) -> dict[str, str | int]:
        """
        Return it as an envelope has it.
        """
        return {name: getattr(self, field) for name, field in _FIELDS.items()}

    def headers(self) -> dict[str, str]:
        """
        Return it as the headers of a message that was moved have it: all text.
        """
        return {f"MT-Host-{name[0].upper()}{name[1:]}": str(v) for name, v in self.fields().items()}
