"""Accidents that are no row of the table, since files alone do not show them."""

# By what happens: the module of its tests, and the test.
ELSEWHERE = {
    "the first emergency of all comes while a client is away": (
        "tests/integration/test_gateway_emergencies.py",
        "test_a8_the_first_document_of_all_comes_to_who_was_away",
    ),
    "an error of ours in the midst of a listing": (
        "tests/tailer/finding/test_survey.py",
        "test_a_file_that_cannot_be_read_yet_is_tried_again",
    ),
    "a file system hangs": (
        "tests/tailer/test_ends.py",
        "test_a_device_that_does_not_answer_stops_only_its_own_files",
    ),
    "SIGTERM at any instant": (
        "tests/tailer/test_ends.py",
        "test_a_signal_in_the_midst_of_work_ends_it_in_order",
    ),
    "a file system hangs at the end": (
        "tests/tailer/test_ends.py",
        "test_a_file_system_that_hangs_does_not_keep_it_from_ending",
    ),
    "a session is taken out for another one while a client is behind in it": (
        "tests/integration/test_gateway_taken_out.py",
        "test_who_is_behind_is_told_a_gap",
    ),
    "a session begins while all that the broker may keep are written": (
        "tests/tailer/appending/test_session_bound.py",
        "test_a_file_is_refused_while_all_others_are_written",
    ),
    "streams that were made under other names": (
        "tests/tailer/finding/test_survey.py",
        "test_streams_under_older_names_go_on",
    ),
}
