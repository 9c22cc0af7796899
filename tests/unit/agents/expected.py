"""What each capture comes to: how it ended, its session, the model that answered, tokens and cost."""

from dataclasses import dataclass

from chant_tasks.agents.contract import ErrorClass, Finished, GaveUp, Outcome, Postponed, Tokens


@dataclass(frozen=True)
class Told:
    """What a capture comes to; `tokens` and `cost` are None where the agent told nothing of them."""

    outcome: Outcome
    session: str
    model: str | None
    tokens: Tokens | None
    cost: float | None


DONE, RESUMED, FAILED = "Done: hello.txt written and committed.", "Resumed: nothing more to do.", "It failed."
SONNET, QWEN, GEMINI = "claude-sonnet-4-5", "qwen3-coder-plus", "gemini-2.5-pro"
GPT, MOCK = "gpt-5.4", "openai/mock-model"
ONE_TURN, TWO_TURNS, NOTHING = Tokens(input=1200, output=42), Tokens(input=2550, output=84), Tokens()
CACHED = Tokens(input=24, output=800, cache_read=60000, reasoning=600)


BAD_KEY = (
    "Incorrect API key provided: sk-mock. You can find your API key at https://platform.openai.com/account/api-keys."
)
TURNS = (
    "Reached max session turns for this session. Increase the number of turns by specifying "
    "maxSessionTurns in settings.json."
)
TOO_FAST = (
    "API Error: Request rejected (429) · This request would exceed your account's rate limit. Please try again later."
)


def ends(
    outcome: Outcome,
    session: str = "",
    model: str | None = None,
    tokens: Tokens | None = None,
    cost: float | None = None,
) -> Told:
    return Told(outcome, session, model, tokens, cost)


EXPECTED = {
    "aider/err401": ends(
        GaveUp("litellm.AuthenticationError: AuthenticationError: OpenAIException - Incorrect", ErrorClass.AUTH),
        "",
        MOCK,
    ),
    "aider/err429_x2_then_ok": ends(
        Finished("Commit 0b8f3aa chant(SPEC): hello"), "", MOCK, Tokens(input=587, output=15), 0.002
    ),
    "aider/resume_1": ends(
        Finished("Commit d6f7224 chant(SPEC): hello"), "", MOCK, Tokens(input=587, output=15), 0.002
    ),
    "aider/success": ends(Finished("Commit 53deab2 chant(SPEC): hello"), "", MOCK, Tokens(input=587, output=15), 0.002),
    "aider/success_no_attribution": ends(
        Finished("Commit ec3ff0d chant(SPEC): hello"), "", MOCK, Tokens(input=587, output=15), 0.002
    ),
    "claude/cached_usage": ends(
        Finished(DONE),
        "7331aada-ed6a-48e5-a8ce-072705a8e521",
        SONNET,
        Tokens(input=24, output=800, cache_read=60000, cache_write=5000),
        0.048822,
    ),
    "claude/drop_midstream": ends(
        Finished("partial text then the line drops"), "1bdcab7e-66d6-4c70-ac9b-8f950e1b4690", SONNET, ONE_TURN, 0.00423
    ),
    "claude/err401_retries0": ends(
        GaveUp("Invalid API key · Fix external API key", ErrorClass.AUTH),
        "af9bd64c-03e3-4d95-949c-94b306224a76",
        SONNET,
        NOTHING,
        0.0,
    ),
    "claude/err429_retries2": ends(
        Postponed(TOO_FAST, ErrorClass.RATE_LIMIT), "90a703c6-b3cc-4dce-b05a-5b724df95b07", SONNET, NOTHING, 0.0
    ),
    "claude/err529_fallback": ends(
        Finished(DONE), "69f2966c-8e2d-4535-bc30-79a8649ac12c", "claude-haiku-4-5", TWO_TURNS, 0.00297
    ),
    "claude/max_budget": ends(
        GaveUp("Reached maximum budget ($0.02)", ErrorClass.UNKNOWN),
        "a2099f1d-5e0b-400d-943b-bdaf9f69568a",
        SONNET,
        Tokens(input=7500, output=210),
        0.02565,
    ),
    "claude/max_turns": ends(
        GaveUp("Reached maximum number of turns (3)", ErrorClass.UNKNOWN),
        "6488da85-bcef-4626-85f0-e64389a3198f",
        SONNET,
        Tokens(input=4050, output=126),
        0.01404,
    ),
    "claude/refusal": ends(
        GaveUp(
            "API Error: Claude Code is unable to respond to this request, which appears to violate our "
            "Usage Policy (https://www.anthropic.com/legal/aup). Try rephrasing the request in a new "
            "session or change you…",
            ErrorClass.SAFETY,
        ),
        "84d099e8-f347-4376-b5b4-7d530e883425",
        SONNET,
        ONE_TURN,
        0.00423,
    ),
    "claude/refused_retries2": ends(
        Postponed("API Error: Unable to connect to API (ConnectionRefused)", ErrorClass.NETWORK),
        "bbad5659-f306-471a-9fea-bf4e3c954b6f",
        SONNET,
        NOTHING,
        0.0,
    ),
    "claude/resume_1": ends(Finished(DONE), "96a3d8dc-7bb9-42e7-99e6-85ae33b07e03", SONNET, TWO_TURNS, 0.00891),
    "claude/resume_2": ends(
        Finished(RESUMED), "96a3d8dc-7bb9-42e7-99e6-85ae33b07e03", SONNET, Tokens(input=1500, output=42), 0.00513
    ),
    "claude/root_default_denied": ends(
        Finished(DONE), "28819b22-0fbc-453e-a0e1-6dd93fd29d86", SONNET, TWO_TURNS, 0.00891
    ),
    "claude/served_model_differs": ends(
        Finished(DONE), "59a0f908-22b8-48d1-bad0-c82d99adb1a0", "claude-haiku-4-5-20251001", TWO_TURNS, 0.00891
    ),
    "claude/sigint_tool": ends(
        GaveUp("error_during_execution, aborted_tools", ErrorClass.CRASH),
        "045371b0-f4e0-4a2d-8322-c910b60969d6",
        SONNET,
        ONE_TURN,
        0.00423,
    ),
    "claude/sigterm_tool": ends(
        GaveUp("it ended without a result (exit status 143)", ErrorClass.CRASH),
        "045371b0-f4e0-4a2d-8322-c910b60969d6",
        SONNET,
    ),
    "claude/success": ends(Finished(DONE), "a45aa041-1582-4326-b864-a837df5f3ad2", SONNET, TWO_TURNS, 0.00891),
    "claude/success_json": ends(Finished(DONE), "", None, TWO_TURNS, 0.00891),
    "claude/tool_fails": ends(Finished(FAILED), "dc95b421-1c0d-44a4-bc88-aa91788bb391", SONNET, TWO_TURNS, 0.00891),
    "claude-2.1.329/err429_retries2": ends(
        Postponed(TOO_FAST, ErrorClass.RATE_LIMIT), "27602619-3c60-4cec-a8a3-d4627f8d9f12", SONNET, NOTHING, 0.0
    ),
    "claude-2.1.329/max_turns": ends(
        GaveUp("Reached maximum number of turns (3)", ErrorClass.UNKNOWN),
        "231c21db-5b4f-45f7-b6f2-4865d98b4755",
        SONNET,
        Tokens(input=4050, output=126),
        0.01404,
    ),
    "claude-2.1.329/refusal": ends(
        Finished("Nothing more to do."), "30ff0bf0-25f8-4b5d-8b5d-037cd2d73a2b", SONNET, TWO_TURNS, 0.00891
    ),
    "claude-2.1.329/resume_1": ends(Finished(DONE), "30928e2a-825d-4100-83b0-67431766bdfd", SONNET, TWO_TURNS, 0.00891),
    "claude-2.1.329/resume_2": ends(
        Finished(RESUMED), "30928e2a-825d-4100-83b0-67431766bdfd", SONNET, Tokens(input=1500, output=42), 0.00513
    ),
    "claude-2.1.329/served_model_differs": ends(
        Finished(DONE), "9843773a-b055-4f52-8584-6b581d1512ae", "claude-haiku-4-5-20251001", TWO_TURNS, 0.00891
    ),
    "claude-2.1.329/success": ends(Finished(DONE), "00efeddb-d6a3-4929-8239-5a17c93b34d5", SONNET, TWO_TURNS, 0.00891),
    "codex/cached_usage": ends(Finished(DONE), "01a1fa2e-841b-78c3-8b4e-bc6b498d0939", None, CACHED),
    "codex/drop_midstream": ends(
        Postponed(
            "stream disconnected before completion: Transport error: network error: error decoding response body",
            ErrorClass.NETWORK,
        ),
        "01a1fa2f-4e1a-7821-8d92-ec84ec367c47",
    ),
    "codex/err401": ends(
        GaveUp(
            "unexpected status 401 Unauthorized: " + BAD_KEY + ", url: http://127.0.0.1:8089/v1/responses, request i…",
            ErrorClass.AUTH,
        ),
        "01a1fa2e-c8b5-7243-9d1b-cd0513be6d1f",
    ),
    "codex/err429_usage_limit": ends(
        Postponed("You’ve hit your usage limit. Try again later.", ErrorClass.USAGE_LIMIT),
        "01a1fa2f-2de6-7613-bb6e-75be9fa7de03",
    ),
    "codex/err503_x2_then_ok": ends(Finished(DONE), "01a1fa2f-443d-7122-8580-5cafbc31c76f", None, TWO_TURNS),
    "codex/refused_bounded": ends(
        Postponed("Connection failed: error sending request", ErrorClass.NETWORK),
        "01a1fa4c-85e6-7a01-a50c-f0a409d6832a",
    ),
    "codex/resume_1": ends(Finished(DONE), "01a1fa33-798b-7e50-9b05-33cc24c811cf", None, TWO_TURNS),
    "codex/resume_2": ends(
        Finished(RESUMED), "01a1fa33-798b-7e50-9b05-33cc24c811cf", None, Tokens(input=4050, output=126)
    ),
    "codex/sb_workspace_write": ends(Finished(DONE), "01a1fa31-9143-77d1-aa76-5b47080af3b4", None, TWO_TURNS),
    "codex/served_model_differs": ends(Finished(DONE), "01a1fa2e-7f9b-7633-8e42-63df66d41133", None, TWO_TURNS),
    "codex/success": ends(Finished(DONE), "01a1fa37-1097-7621-8487-0c960d23c1fb", None, TWO_TURNS),
    "codex/tool_fails": ends(Finished(FAILED), "01a1fa2e-888c-7282-9f62-bb267cd402f1", None, TWO_TURNS),
    "codex/unknown_model": ends(Finished(DONE), "01a1fa2e-76ed-7db0-889a-dc73977b2851", None, TWO_TURNS),
    "copilot/cached_usage": ends(Finished(DONE), "18cec041-321e-45ca-b2e7-1e30d9b5d156", GPT),
    "copilot/err401": ends(
        GaveUp(
            "Authentication failed with provider at http://127.0.0.1:8089/v1 (HTTP 401). Check your "
            "COPILOT_PROVIDER_API_KEY, COPILOT_PROVIDER_API_KEY_COMMAND, or COPILOT_PROVIDER_BEARER_TOKEN.",
            ErrorClass.AUTH,
        ),
        "01dc430d-6150-4ccc-82f1-cce1cfd9c5b2",
        GPT,
    ),
    "copilot/perm_none": ends(Finished(DONE), "5c9a64f5-7d36-45ad-b318-b8b550bfe6b5", GPT),
    "copilot/resume_1": ends(Finished(DONE), "ac4c0dfc-f8d8-4ae0-96fd-dceea2816c08", GPT),
    "copilot/resume_2_by_id": ends(Finished(RESUMED), "ac4c0dfc-f8d8-4ae0-96fd-dceea2816c08", GPT),
    "copilot/success": ends(Finished(DONE), "110dd500-a52c-4c46-b022-8c796499d6de", GPT),
    "copilot/success_usage_file": ends(Finished(DONE), "44160c8f-ca36-4eb3-a2ca-f773e4e7cdc9", GPT),
    "copilot/tool_fails": ends(Finished(FAILED), "63ab18f8-4547-40a0-a32c-32c17139b9f4", GPT),
    "gemini/cached_usage": ends(
        Finished(DONE),
        "0bb8b713-d017-4dec-a68a-242c16fa8286",
        GEMINI,
        Tokens(input=24, output=1400, cache_read=60000, reasoning=600),
    ),
    "gemini/drop_midstream": ends(
        Postponed("[API Error: terminated]", ErrorClass.NETWORK),
        "1250c274-2d56-4b8b-954f-14750f7fe96d",
        GEMINI,
        NOTHING,
    ),
    "gemini/err401": ends(
        GaveUp(
            '[API Error: {"error":{"code":401,"message":"API key not valid. Please pass a valid API '
            'key.","status":"UNAUTHENTICATED"}}]',
            ErrorClass.AUTH,
        ),
        "e259a3c3-d616-4dd1-9ec5-2c0b0d6e4ed2",
        GEMINI,
        NOTHING,
    ),
    "gemini/err429_attempts2": ends(
        Postponed(
            "[API Error: Resource has been exhausted (e.g. check quota).] Please wait and try again later. "
            "To increase your limits, request a quota increase through AI Studio, or switch to another "
            "/auth method",
            ErrorClass.RATE_LIMIT,
        ),
        "83a0473b-0582-470b-ae40-c209b892e486",
        GEMINI,
        NOTHING,
    ),
    "gemini/identical_loop": ends(
        GaveUp("Loop detected, stopping execution", ErrorClass.UNKNOWN),
        "2cd4d08d-7b2f-49c5-8395-8ff25e43590d",
        GEMINI,
        Tokens(input=5700, output=168),
    ),
    "gemini/max_turns": ends(
        GaveUp(TURNS, ErrorClass.UNKNOWN),
        "7cfcdd47-b612-4ac3-aff5-843aace687f2",
        GEMINI,
        Tokens(input=4050, output=126),
    ),
    "gemini/perm_default": ends(Finished("Write hello.txt"), "5e7b92bf-105b-4658-bcfe-2bd1dbffd35f", GEMINI, ONE_TURN),
    "gemini/resume_1": ends(Finished(DONE), "9edd0246-12db-4943-8121-fdbdbe4e5102", GEMINI, TWO_TURNS),
    "gemini/resume_2_by_id": ends(
        Finished(RESUMED), "9edd0246-12db-4943-8121-fdbdbe4e5102", GEMINI, Tokens(input=1500, output=42)
    ),
    "gemini/served_model_differs": ends(
        Finished(DONE), "eea98e16-d100-40a8-8c9f-d7d167db846a", "gemini-2.5-flash-lite", TWO_TURNS
    ),
    "gemini/success": ends(Finished(DONE), "89ffcaec-7dd9-4dc4-a59c-1bf0385b0826", GEMINI, TWO_TURNS),
    "gemini/tool_fails": ends(Finished(FAILED), "f45cb4ac-6066-4072-9851-caad2ebac42d", GEMINI, TWO_TURNS),
    "opencode/cached_usage": ends(Finished(DONE), "ses_e05c95f28ffeXdL7Bex577O493", None, CACHED, 0.030072),
    "opencode/drop_midstream": ends(
        GaveUp("it ended without a result (killed by SIGKILL)", ErrorClass.CRASH), "ses_e05c19529ffeyMKlHgc7zJK0j7"
    ),
    "opencode/err401": ends(GaveUp(BAD_KEY, ErrorClass.AUTH), "ses_e05c86f42ffezo5KlXetKbz9VK"),
    "opencode/err429": ends(
        Postponed("Rate limit reached for requests. Please try again in 1s.", ErrorClass.RATE_LIMIT),
        "ses_e05c52732ffe7O263B1HnkYR1M",
    ),
    "opencode/perm_ask_no_auto": ends(
        GaveUp("it was not let use a tool, and ended", ErrorClass.DENIED),
        "ses_e05c8cf2effeW5LRYH45acQdjC",
        None,
        ONE_TURN,
        0.00423,
    ),
    "opencode/resume_1": ends(Finished(DONE), "ses_e05be9205ffewI5lfDg2WAEINH", None, TWO_TURNS, 0.00891),
    "opencode/resume_2_by_id": ends(
        Finished(RESUMED), "ses_e05be9205ffewI5lfDg2WAEINH", None, Tokens(input=1500, output=42), 0.00513
    ),
    "opencode/success": ends(Finished(DONE), "ses_e05ca9bd3ffe4ksoNrpcAo8aq9", None, TWO_TURNS, 0.00891),
    "opencode/success_title": ends(Finished(DONE), "ses_e05ca82e0ffe5X4HzpCPUL45wE", None, TWO_TURNS, 0.00891),
    "opencode/tool_fails": ends(Finished(FAILED), "ses_e05c9476fffeILWUURy90l2bp4", None, TWO_TURNS, 0.00891),
    "qwen/cached_usage": ends(
        Finished(DONE), "5d79d7f2-a562-4b77-acbe-10783a89e1d9", QWEN, Tokens(input=24, output=800, cache_read=60000)
    ),
    "qwen/drop_midstream": ends(
        Postponed("terminated (cause: other side closed)", ErrorClass.NETWORK),
        "a422b1bf-f78a-4760-b4d0-1f12f68e984f",
        QWEN,
        NOTHING,
    ),
    "qwen/err401": ends(
        GaveUp("401 " + BAD_KEY, ErrorClass.AUTH), "d8e36eb6-2f60-47e3-af30-4f629bbb337c", QWEN, NOTHING
    ),
    "qwen/max_turns": ends(GaveUp(TURNS, ErrorClass.UNKNOWN), "fdf6308b-c735-4c03-b194-d4ed9f36959d", QWEN),
    "qwen/refused": ends(
        Postponed("Connection error. (cause: fetch failed)", ErrorClass.NETWORK),
        "72b3e0d8-6da6-4cb3-8aa6-aae4d8062e05",
        QWEN,
        NOTHING,
    ),
    "qwen/resume_1": ends(Finished(DONE), "e36e63ac-d5df-4f14-ac3a-da036a0744b8", QWEN, TWO_TURNS),
    "qwen/resume_2_by_id": ends(
        Finished(RESUMED), "e36e63ac-d5df-4f14-ac3a-da036a0744b8", QWEN, Tokens(input=5700, output=168)
    ),
    "qwen/success": ends(Finished(DONE), "2813c57b-7800-42b3-bdb3-906f3010128e", QWEN, TWO_TURNS),
    "qwen/success_no_coauthor": ends(Finished(DONE), "0a6cb8b6-d41a-4a36-9955-55d31d78a270", QWEN, TWO_TURNS),
    "qwen/tool_fails": ends(Finished(FAILED), "68581d22-9277-4cca-b281-4204d6cc3bd7", QWEN, TWO_TURNS),
}
