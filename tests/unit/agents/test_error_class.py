"""Which kind of error a message tells of; texts as services and agents write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chant_tasks.agents.error_class import ErrorClass, classify


@pytest.mark.parametrize(
    ("text", "status", "error"),
    [
        ("", 401, ErrorClass.AUTH),
        ("terminated", None, ErrorClass.NETWORK),
        ("SyntaxError: unterminated string literal (detected at line 6)", None, ErrorClass.UNKNOWN),
        ("unexpected status 401 Unauthorized: Incorrect API key provided", None, ErrorClass.AUTH),
        ('{"error":{"code":401,"message":"API key not valid."}}', None, ErrorClass.AUTH),
        ("Invalid API key · Please run /login", None, ErrorClass.AUTH),
        ("Your account has insufficient permissions", 403, ErrorClass.AUTH),
        ("", 429, ErrorClass.RATE_LIMIT),
        ("API Error: Request rejected (429) · This request would exceed your rate limit", None, ErrorClass.RATE_LIMIT),
        ("Resource has been exhausted (e.g. check quota).", None, ErrorClass.RATE_LIMIT),
        ("You exceeded your current quota, please check your plan and billing details.", 429, ErrorClass.USAGE_LIMIT),
        ("insufficient_quota", 429, ErrorClass.USAGE_LIMIT),
        ("You’ve hit your usage limit. Try again later.", None, ErrorClass.USAGE_LIMIT),
        ("You've hit your weekly limit · resets Nov 24, 3pm", None, ErrorClass.USAGE_LIMIT),
        ("Claude AI usage limit reached|1795312800", None, ErrorClass.USAGE_LIMIT),
        ("Your credit balance is too low to access the API", 400, ErrorClass.USAGE_LIMIT),
        ("", 402, ErrorClass.USAGE_LIMIT),
        ("", 500, ErrorClass.OVERLOADED),
        ("", 503, ErrorClass.OVERLOADED),
        ("Overloaded", 529, ErrorClass.OVERLOADED),
        ("The model is overloaded. Please try again later.", None, ErrorClass.OVERLOADED),
        ("prompt is too long: 210000 tokens > 200000 maximum", 400, ErrorClass.CONTEXT),
        ("Codex ran out of room in the model's context window.", None, ErrorClass.CONTEXT),
        ("This model's maximum context length is 128000 tokens", None, ErrorClass.CONTEXT),
        ("", 413, ErrorClass.CONTEXT),
        ("unable to respond, which appears to violate our Usage Policy", None, ErrorClass.SAFETY),
        ("API Error: Unable to connect to API (ConnectionRefused)", None, ErrorClass.NETWORK),
        ("connect ECONNREFUSED 127.0.0.1:1", None, ErrorClass.NETWORK),
        ("stream disconnected before completion: Transport error", None, ErrorClass.NETWORK),
        ("Connection error. (cause: fetch failed)", None, ErrorClass.NETWORK),
        ("Could not connect to local model provider at http://127.0.0.1:1/v1", None, ErrorClass.NETWORK),
        ("getaddrinfo EAI_AGAIN api.example.com", None, ErrorClass.NETWORK),
        ("this folder is not trusted", None, ErrorClass.DENIED),
        ("invalid schema for function", 400, ErrorClass.UNKNOWN),
        ("model not found", 404, ErrorClass.UNKNOWN),
        ("it took 429 steps", None, ErrorClass.UNKNOWN),
        ("", None, ErrorClass.UNKNOWN),
    ],
)
def test_a_message_has_its_class(text: str, status: int | None, error: ErrorClass) -> None:
    assert classify(text, status) is error


def test_what_may_pass_is_what_another_time_may_cure() -> None:
    assert {error for error in ErrorClass if error.may_pass} == {
        *(ErrorClass.USAGE_LIMIT, ErrorClass.RATE_LIMIT),
        *(ErrorClass.OVERLOADED, ErrorClass.NETWORK),
    }


@given(st.text(), st.none() | st.integers())
def test_any_message_has_one(text: str, status: int | None) -> None:
    assert isinstance(classify(text, status), ErrorClass)
