"""Mistakes of other servers that were published, and the tests that keep us from them.

Each class has its sources (advisories, vulnerabilities, bug reports), in one sentence
what went wrong there, and the tests here that fail if it goes wrong.
"""

from typing import Final, NamedTuple


class Mistake(NamedTuple):
    """A class of mistakes."""

    # Where it was published.
    sources: tuple[str, ...]
    what: str
    # Modules and functions of tests, as `module:function`.
    tests: tuple[str, ...]


_BROWSER: Final = "tests.browser.test_hostile_pages"
_GRANTS: Final = "tests.integration.test_gateway_grants"
_HUB: Final = "tests.gateway.delivery.test_hub_grants"
_KEYS: Final = "tests.gateway.http.test_key_set"
_HOSTS: Final = "tests.red_team.test_hosts"
_MANY: Final = "tests.integration.test_gateway_many_grants"
_PROXIED: Final = "tests.red_team.test_proxied"
_READ: Final = "tests.gateway.http.test_tokens"
_SMUGGLING: Final = "tests.compose.test_smuggling"
_TOKENS: Final = "tests.red_team.test_tokens"

MISTAKES: Final = (
    Mistake(
        ("GHSA-g6vg-wj8f-48cj",),
        "a key of another issuer counted, since it had the same name",
        (f"{_KEYS}:test_keys_that_change",),
    ),
    Mistake(
        ("mercure#666",),
        "a stream went on when its token was over",
        (
            f"{_GRANTS}:test_a_connection_ends_with_its_token",
            f"{_GRANTS}:test_an_event_stream_ends_with_its_token",
            f"{_GRANTS}:test_lines_end_with_their_token",
        ),
    ),
    Mistake(
        ("NATS 2026-16", "GHSA-38x3"),
        "a short cut of the parser came before anybody was asked for a token",
        (
            f"{_TOKENS}:test_no_handshake_with_a_token_that_does_not_count",
            f"{_HOSTS}:test_no_handshake_by_the_name_of_another",
        ),
    ),
    Mistake(
        ("NATS 2026-18",),
        "of two rules together, one let through what the other denied",
        (
            f"{_HUB}:test_nothing_outside_and_all_inside_the_grant",
            f"{_TOKENS}:test_all_sessions_are_those_that_are_allowed",
        ),
    ),
    Mistake(
        ("CVE-2021-3127",),
        "a token for somebody else was only warned of",
        (f"{_READ}:test_who_made_it_and_for_whom",),
    ),
    Mistake(
        ("CVE-2026-0545", "CVE-2026-2652", "CVE-2025-14297", "CVE-2025-15381"),
        "new routes had been forgotten where tokens are checked",
        (
            f"{_TOKENS}:test_the_tables_name_all_there_is",
            f"{_TOKENS}:test_routes",
            f"{_TOKENS}:test_messages",
            f"{_PROXIED}:test_routes_by_what_a_proxy_says",
        ),
    ),
    Mistake(
        ("CVE-2025-11200",),
        "a secret could be empty, or one character",
        (f"{_READ}:test_secrets_that_are_guessed", f"{_READ}:test_keys_that_are_none"),
    ),
    Mistake(
        ("mlflow#22095",),
        "a host was compared with its port",
        (
            f"{_HOSTS}:test_its_own_names_are_answered",
            f"{_HOSTS}:test_names_that_are_given_are_answered",
        ),
    ),
    Mistake(
        ("GHSA-vg6x-rcgg-rjx6", "CVE-2025-24010"),
        "pages of any site read from a server on the machine of whoever looked at them",
        (
            f"{_HOSTS}:test_no_route_answers_by_the_name_of_another",
            "tests.browser.test_rebinding:test_a_page_of_a_rebound_name_reads_nothing",
            f"{_BROWSER}:test_another_site_reads_nothing",
        ),
    ),
    Mistake(
        ("CVE-2026-27880",),
        "who checks and who serves made different things of one path",
        (f"{_TOKENS}:test_paths_that_are_written_otherwise",),
    ),
    Mistake(
        ("CVE-2023-1387",),
        "a token in an address counted, and was logged and sent on",
        (
            f"{_TOKENS}:test_no_token_in_an_address",
            f"{_TOKENS}:test_a_log_has_no_token",
        ),
    ),
    Mistake(
        (
            "CVE-2025-64484",
            "CVE-2026-40575",
            "oauth2-proxy#3506",
            "oauth2-proxy#3478",
        ),
        "a client wrote the headers of a proxy, with an underscore or because every"
        " peer was trusted",
        (
            f"{_PROXIED}:test_a_header_beside_that_of_the_proxy",
            f"{_SMUGGLING}:test_who_says_to_be_another_is_not",
            "tests.gateway.connections.test_proxies:test_who_asks",
        ),
    ),
    Mistake(
        ("vibeD#44",),
        "who asks was believed from whoever reached the server past the proxy",
        (
            f"{_PROXIED}:test_nobody_else_is_believed",
            "tests.gateway.connections.test_proxies:test_nobody_else_is_believed",
        ),
    ),
    Mistake(
        (
            "GHSA-xgmm", "GHSA-jq35", "CVE-2026-48523", "GHSA-w7vc", "CVE-2023-48223",
        ),
        "a token chose how it was checked: by its algorithm, or by a key in its header",
        (
            f"{_READ}:test_a_key_fixes_the_algorithm",
            f"{_READ}:test_tokens_that_grant_nothing",
            f"{_KEYS}:test_a_key_of_another_kind_than_the_token_s",
            f"{_KEYS}:test_which_keys_are_taken",
        ),
    ),
    Mistake(
        ("nodedb#61",),
        "the issuer was not checked where there was one, and keys were read anywhere",
        (
            f"{_READ}:test_who_made_it_and_for_whom",
            f"{_KEYS}:test_where_keys_are_not_read",
            f"{_KEYS}:test_an_issuer_that_is_away",
        ),
    ),
    Mistake(
        ("socket.io: skipMiddlewares",),
        "whoever resumed was not asked again",
        (
            f"{_TOKENS}:test_whoever_resumes_is_asked_again",
            f"{_GRANTS}:test_names_of_clients_are_apart_by_subject",
        ),
    ),
    Mistake(
        (
            "centrifuge-js#158",
            "centrifuge-js#216",
            "supabase#1732",
        ),
        "records were lost when a token was renewed",
        (
            f"{_GRANTS}:test_a_grant_is_renewed_between_two_messages",
            f"{_MANY}:test_many_tokens_are_renewed_and_end_together",
        ),
    ),
    Mistake(
        ("cockpit#496", "airdcpp#542"),
        "a page of another site used a WebSocket of whoever had signed in",
        (
            f"{_BROWSER}:test_a_cookie_serves_no_other_page",
            f"{_BROWSER}:test_a_cookie_of_this_machine_serves_no_other_port",
        ),
    ),
)  # fmt: skip  # a row each
