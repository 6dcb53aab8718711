"""Why a machine was not started or did not end its session, by the codes that EC2 gives and never by words in a message.

Codes: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html, and for the reasons of a state
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_StateReason.html.
"""

from __future__ import annotations

from enum import StrEnum

from assay.errors import AssayError


class FailureClass(StrEnum):
    """The classes; what is done about each stands in docs/fleet.md."""

    QUOTA = "QUOTA"
    INSUFFICIENT_CAPACITY = "INSUFFICIENT_CAPACITY"
    INTERRUPTED = "INTERRUPTED"
    UNSUPPORTED = "UNSUPPORTED"
    THROTTLED = "THROTTLED"
    COMMAND_TIMEOUT = "COMMAND_TIMEOUT"
    CHECK_FAILED = "CHECK_FAILED"
    LOST = "LOST"
    UNCLASSIFIED = "UNCLASSIFIED"


class MachineFailed(AssayError):
    """A machine was not started, or ended without a session. `kind` says which way."""

    def __init__(self, kind: FailureClass, message: str) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind = kind


TOKEN_USED = "IdempotentParameterMismatch"  # noqa: S105 - a code of EC2
"""The client token belongs to a machine that was started before."""

_CODES = {
    FailureClass.QUOTA: (
        "VcpuLimitExceeded InstanceLimitExceeded MaxSpotInstanceCountExceeded VolumeLimitExceeded "
        "NetworkInterfaceLimitExceeded AddressLimitExceeded PendingVerification"
    ),
    FailureClass.INSUFFICIENT_CAPACITY: (
        "InsufficientInstanceCapacity InsufficientCapacity InsufficientHostCapacity InsufficientFreeAddressesInSubnet "
        "InsufficientReservedInstanceCapacity ReservationCapacityExceeded SpotMaxPriceTooLow UnfulfillableCapacity"
    ),
    FailureClass.UNSUPPORTED: (
        "Unsupported UnsupportedOperation UnsupportedTenancy UnsupportedHibernationConfiguration InvalidInstanceType "
        "InvalidParameterCombination InstanceTypeNotSupported OptInRequired"
    ),
    FailureClass.THROTTLED: (
        "RequestLimitExceeded Throttling ThrottlingException ThrottledException RequestThrottled RequestThrottledException "
        "EC2ThrottledException TooManyRequestsException BandwidthLimitExceeded SlowDown PriorRequestNotComplete "
        "InternalError InternalFailure ServerInternal ServiceUnavailable Unavailable RequestTimeout"
    ),
}
_BY_CODE = {code: kind for kind, codes in _CODES.items() for code in codes.split()}

_BY_STATE_REASON = {
    "Server.SpotInstanceTermination": FailureClass.INTERRUPTED,
    "Server.SpotInstanceShutdown": FailureClass.INTERRUPTED,
    "Server.ScheduledStop": FailureClass.INTERRUPTED,
    "Server.InsufficientInstanceCapacity": FailureClass.INSUFFICIENT_CAPACITY,
    "Client.VolumeLimitExceeded": FailureClass.QUOTA,
}


def error_class(code: str, status: int = 400) -> FailureClass:
    """The class of a refused call. A server's own trouble (5xx) is like throttling: it passes, and is tried again later."""
    found = _BY_CODE.get(code)
    if found is None and status >= 500:
        return FailureClass.THROTTLED
    return found or FailureClass.UNCLASSIFIED


def state_class(reason: str) -> FailureClass:
    """The class of a machine that ended without a session, by the code of EC2's `StateReason` (empty: none was given)."""
    return _BY_STATE_REASON.get(reason, FailureClass.LOST)
