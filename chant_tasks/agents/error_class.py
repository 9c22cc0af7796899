"""What kind of error ended an agent: from the status of the service's answer, and the words of its message."""

import re
from enum import Enum


class ErrorClass(Enum):
    """The kinds of errors that call for different things to be done."""

    AUTH = "auth"
    USAGE_LIMIT = "usage limit"
    RATE_LIMIT = "rate limit"
    OVERLOADED = "overloaded"
    CONTEXT = "context too long"
    SAFETY = "refused by safety"
    NETWORK = "network"
    DENIED = "permission denied"
    CRASH = "crash"
    UNKNOWN = "unknown"

    @property
    def may_pass(self) -> bool:
        """Whether the same request may succeed at another time."""
        return self in (ErrorClass.USAGE_LIMIT, ErrorClass.RATE_LIMIT, ErrorClass.OVERLOADED, ErrorClass.NETWORK)


_STATUSES = {
    401: ErrorClass.AUTH,
    402: ErrorClass.USAGE_LIMIT,
    403: ErrorClass.AUTH,
    407: ErrorClass.NETWORK,
    408: ErrorClass.NETWORK,
    413: ErrorClass.CONTEXT,
    429: ErrorClass.RATE_LIMIT,
    500: ErrorClass.OVERLOADED,
    502: ErrorClass.OVERLOADED,
    503: ErrorClass.OVERLOADED,
    504: ErrorClass.OVERLOADED,
    529: ErrorClass.OVERLOADED,
}

_USAGE = re.compile(
    r"usage limit|hit your (?:\w+ )?limit|reached your (?:\w+ )*(?:limit|quota)|spend limit|insufficient_quota"
    r"|exceeded your (?:current|daily|monthly) quota|credit balance|out of credits|billing"
    r"|exhausted your (?:daily )?\w+"
)
_CONTEXT = re.compile(
    r"prompt is too long|input is too long|context[ _]length|context window|contextwindow|maximum context"
    r"|too many (?:input )?tokens|exceeds the maximum number of tokens"
)
_SAFETY = re.compile(r"usage policy|content[ _]?policy|content_filter|safety|responsible ai|\brefusal\b|flagged")

# Asked in this order where no status is known; the words that a service wrote come before those of the way to it.
_WORDS = (
    (_USAGE, ErrorClass.USAGE_LIMIT),
    (_CONTEXT, ErrorClass.CONTEXT),
    (
        re.compile(
            r"rate.?limit|too many requests|resource has been exhausted|resource_exhausted"
            r"|model is at capacity|quota exceeded"
        ),
        ErrorClass.RATE_LIMIT,
    ),
    (
        re.compile(
            r"api key|authentication|unauthorized|unauthenticated|not logged in|/login|oauth|invalid auth"
            r"|permission_error|auth method|no authentication"
        ),
        ErrorClass.AUTH,
    ),
    (
        re.compile(r"overloaded|high demand|service.?unavailable|internal server ?error|bad gateway|at capacity"),
        ErrorClass.OVERLOADED,
    ),
    (
        re.compile(
            r"econn|enotfound|eai_again|etimedout|connection|(?:could not|cannot|unable to|failed to) connect"
            r"|fetch failed|socket|network|stream disconnected|error sending request|\bterminated\b|timed out|timeout"
        ),
        ErrorClass.NETWORK,
    ),
    (_SAFETY, ErrorClass.SAFETY),
    (
        re.compile(
            r"permission|not trusted|untrusted|trusted (?:folder|director)|requires user confirmation|with root"
        ),
        ErrorClass.DENIED,
    ),
)
_STATUS_IN_TEXT = re.compile(r"(?:\bstatus\b|\bhttp\b|\bapi error:?|\"code\":|\()\s*(?:code\s*)?([45]\d\d)\b")


def classify(text: str, status: int | None = None) -> ErrorClass:
    """Return the kind of an error from what is said of it; `status` is that of the service's answer where it is known.

    `text` must be a message about an error: in an agent's own words any of these may stand for something else.
    """
    plain = text.casefold().replace("’", "'")
    if status is None:
        named = _STATUS_IN_TEXT.search(plain)
        status = int(named.group(1)) if named else None
    by_status = _STATUSES.get(status) if status is not None else None
    if by_status in (None, ErrorClass.RATE_LIMIT, ErrorClass.AUTH) and _USAGE.search(plain):
        return ErrorClass.USAGE_LIMIT  # services use 429 and 403 for an empty account, too
    if by_status is not None:
        return by_status
    if status is not None and _CONTEXT.search(plain):
        return ErrorClass.CONTEXT
    return next((kind for words, kind in _WORDS if words.search(plain)), ErrorClass.UNKNOWN)
