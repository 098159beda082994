"""What other followers of files are tested for, or fell over: where it is shown here.

Ninety-six scenarios by their numbers: each has tests, or a reason why there is none. An
accident is a row of `tests/accidents`, which plays it with real files and real threads.
"""

import pytest

from tests.shown import ACCIDENT, BECAUSE, assert_there


LAST = 96

FOLLOWING = "tailer/test_following.py::"
REAL = "tailer/test_real_brokers.py::"
LAST_LINE = "tailer/test_last_line.py::"
LOSSES = "tailer/scenarios/test_a_losses.py::"
BOUNDS = "tailer/scenarios/test_b_bounds.py::"
BATCHES = "tailer/scenarios/test_batches.py::"
ROTATION = "tailer/scenarios/test_rotation.py::"
SURVEY = "tailer/finding/test_survey.py::"
RENAMES = "tailer/finding/test_renames.py::"
HINTS = "tailer/finding/test_hints.py::"
CROWDS = "tailer/test_crowds.py::"
ENDS = "tailer/test_ends.py::"
LINES = "tailer/test_lines.py::"
DOCUMENTS = "tailer/following/test_document_file.py::"
PROGRESS = "tailer/core/test_progress.py::"
RECORDS = "tailer/core/test_records.py::"
WRITERS = "oracle/test_writers.py::"
VIEWS = "oracle/test_views.py::"
BROKERS = "oracle/test_brokers.py::"
MACHINE = "oracle/test_machine.py::test_streams_are_the_files_or_say_why_not"

CATALOGUE: dict[int, tuple[str, *tuple[str, ...]]] = {
    # Reading.
    1: (
        "lines that were there at the start",
        FOLLOWING + "test_lines_become_entries_with_their_offsets",
    ),
    2: ("lines that come later", FOLLOWING + "test_appended_lines_follow"),
    3: (
        "a file that comes later is read from its head",
        "tailer/finding/test_discovery.py::test_new_directories_and_files_are_found",
    ),
    4: (
        "begun at the end; files that are new are read whole",
        LOSSES + "test_a9_start_at_end_tells_what_it_leaves_out",
        REAL + "test_start_at_end_reads_what_came_while_no_tailer_looked",
        REAL + "test_start_at_end_where_nothing_was_there",
    ),
    5: (
        "an empty file, for ever or until its first line",
        WRITERS + "test_an_empty_file_is_nothing_until_its_first_line",
    ),
    6: (
        "empty lines",
        ACCIDENT + "blank_lines",
        "conformance/test_append.py::test_progress_over_blank_lines_alone_is_kept",
    ),
    7: ("a file of one short line", ACCIDENT + "one_short_line_each"),
    8: (
        "lines longer than what is read at a time",
        WRITERS + "test_lines_longer_than_a_read",
    ),
    9: (
        "a line's end anywhere between two reads",
        "tailer/core/test_lines.py::test_cuts_do_not_matter",
        "tailer/core/test_reading.py::test_cuts_and_restarts_do_not_matter",
    ),
    10: (
        "several files grow while they are read",
        WRITERS + "test_many_files_grow_at_the_same_time",
    ),
    11: (
        "thousands of files, and few descriptors",
        CROWDS + "test_many_files_begin_in_lots_the_newest_first",
        "tailer/files/test_descriptors.py::test_no_more_than_so_many_are_open",
        ACCIDENT + "two_thousand_files",
    ),
    12: (
        "offsets beyond 31 and 32 bits",
        LINES + "test_offsets_beyond_32_bits",
    ),
    13: (
        "killed at random points while lines flow",
        REAL + "test_killed_at_random_points_each_line_is_there_once",
        ACCIDENT + "killed_amid_load",
    ),
    # Lines that are not whole yet.
    14: ("half a line, then its rest", ACCIDENT + "half_line_then_rest"),
    15: (
        "half a line for long",
        ACCIDENT + "half_line_for_40_seconds",
        LAST_LINE + "test_where_it_is_not_whole_it_is_held_back_and_named",
    ),
    16: ("half a line, killed, its rest", ACCIDENT + "half_line_over_a_kill"),
    17: (
        "a long line in pieces, the file opened anew between them",
        ACCIDENT + "long_line_in_pieces",
    ),
    18: (
        "the last line has no newline",
        LAST_LINE + "test_a_whole_last_line_is_a_record_once_it_rests",
        ACCIDENT + "no_newline_for_ever",
        ACCIDENT + "no_newline_then_newline",
    ),
    19: (
        "a character in two pieces",
        "tailer/core/test_lines.py::test_cuts_do_not_matter",
    ),
    20: (
        "a carriage return and its newline in two pieces",
        LAST_LINE + "test_the_newline_may_come_first",
        ACCIDENT + "carriage_returns",
    ),
    # Restarts, and what is stored of them.
    21: ("lines that came while it was down", FOLLOWING + "test_restart_goes_on"),
    22: (
        "killed after an append",
        REAL + "test_killed_at_random_points_each_line_is_there_once",
    ),
    23: (
        "killed while an append is under way",
        BATCHES + "test_lost_reply_is_no_repetition",
        MACHINE,
    ),
    24: (
        "started again before anything was taken",
        BROKERS + "test_a_broker_that_never_took_anything",
    ),
    25: (
        "what is stored is missing, spoilt, or of an older version",
        REAL + "test_a3_keys_touched_by_hand_are_mended",
        "tailcast_streams/redis/test_replies.py::test_a_state_with_spoilt_numbers_reads_as_zero",
        SURVEY + "test_streams_under_older_names_go_on",
    ),
    26: (
        "while it was down: another file, shorter than what was read",
        ACCIDENT + "deleted_and_new_while_down",
    ),
    27: (
        "while it was down: another file, longer",
        ACCIDENT + "truncated_then_more_while_down",
    ),
    28: (
        "another file that begins alike",
        ACCIDENT + "same_size_and_head_other_tail",
        LOSSES + "test_a4_file_that_grew_past_the_offset_again_is_noticed",
    ),
    29: (
        "renamed while it was down",
        SURVEY + "test_one_map_in_any_order_and_after_any_restart",
        ACCIDENT + "directory_becomes_a_link",
    ),
    30: (
        "rotated while it was down",
        ROTATION + "test_rotations_while_the_tailer_was_down",
        ACCIDENT + "rotated_while_down",
    ),
    31: (
        "what is stored of one file of many is damaged",
        BROKERS + "test_one_of_many_states_is_damaged",
    ),
    32: (
        "what is stored of a quiet file is kept",
        "tailer/upkeep/test_expiry.py::test_b1_a_file_that_is_there_is_never_deleted_from_the_broker",
        BOUNDS + "test_b1_emptied_stream_is_not_filled_again",
    ),
    # Rotated, cut, deleted.
    33: (
        "renamed, a new one made; the writer goes on in the old one",
        ACCIDENT + "logrotate_create",
        ROTATION + "test_an_empty_successor_ends_nothing",
    ),
    34: (
        "rotated again and again, at once",
        ACCIDENT + "rotating_handler_fast",
        FOLLOWING + "test_rotations_in_quick_succession_lose_nothing",
    ),
    35: (
        "a rotated file goes on while nothing can be appended",
        WRITERS + "test_a_rotated_file_goes_on_while_the_broker_is_away",
    ),
    36: (
        "rotated to a name that is not followed",
        ROTATION + "test_ways_to_rotate",
        ACCIDENT + "rotating_handler_once",
    ),
    37: (
        "rotated to a name that would be followed",
        ACCIDENT + "logrotate_keeps_extension",
        ACCIDENT + "rotated_with_the_time",
    ),
    38: (
        "copied and cut; then less, as much, or more",
        ACCIDENT + "copytruncate",
        ACCIDENT + "truncated_then_fewer",
        ACCIDENT + "truncated_then_more_at_once",
    ),
    39: (
        "cut under a writer that keeps its place",
        ACCIDENT + "copytruncate_writer_without_append",
        ACCIDENT + "hole_of_3_MB",
    ),
    40: (
        "copied and cut while it was down",
        ROTATION + "test_ways_to_rotate_while_the_tailer_is_down",
    ),
    41: (
        "cut to nothing for good",
        WRITERS + "test_a_file_that_is_cut_to_nothing_is_told_once",
    ),
    42: (
        "cut while nothing can be appended",
        WRITERS + "test_cut_while_the_broker_is_away",
    ),
    43: (
        "cut in its middle",
        ACCIDENT + "resume_truncates_to_checkpoint",
        LOSSES + "test_a4_resume_that_cuts_back_is_taken_at_its_first_line",
    ),
    44: (
        "moved, cut, moved back",
        WRITERS + "test_moved_cut_and_moved_back",
        ACCIDENT + "moved_away_and_back",
    ),
    45: (
        "deleted before it was read to its end",
        ACCIDENT + "short_lived_file",
        "tailer/files/test_descriptors.py::test_a_file_that_lost_its_path_is_read_while_it_moves",
        CROWDS + "test_deleted_files_are_forgotten_and_found_again",
    ),
    46: (
        "deleted and made again, at once or later",
        ACCIDENT + "deleted_then_the_same_and_more",
        ACCIDENT + "deleted_for_25_seconds",
    ),
    47: (
        "another file gets the number of a deleted one",
        WRITERS + "test_another_file_with_the_number_of_the_deleted_one",
        RENAMES + "test_a_new_file_with_the_number_of_a_deleted_one_is_another",
        ACCIDENT + "deleted_and_new_with_its_inode",
    ),
    48: (
        "written beside it and renamed over it",
        ACCIDENT + "atomic_save_with_two_more",
        FOLLOWING + "test_rewrite_of_the_same_content_is_no_generation",
    ),
    49: (
        "links: switched, broken, in a circle",
        WRITERS + "test_a_link_that_is_switched_again_and_again",
        WRITERS + "test_links_in_a_circle",
        ACCIDENT + "link_dangles_then_not",
    ),
    50: (
        "two paths of one file",
        ACCIDENT + "links_to_one_file",
        ACCIDENT + "hard_link_appears",
    ),
    51: (
        "two files of the same bytes",
        WRITERS + "test_two_files_of_the_same_bytes_are_two_sessions",
        ACCIDENT + "same_first_4_KiB",
    ),
    52: ("a compressed copy beside the file", ACCIDENT + "logrotate_compress"),
    # What file systems do.
    53: (
        "another machine writes",
        VIEWS + "test_another_machine_writes",
        # On a real file system, by the other end of it.
        "accidents/test_accidents.py::test_accident_is_survived",
    ),
    54: (
        "NULs where bytes are still to come",
        VIEWS + "test_bytes_that_come_after_their_size",
        ACCIDENT + "nul_tail_filled_later",
    ),
    55: (
        "NULs that stay",
        ACCIDENT + "hole_that_stays",
        LOSSES + "test_a4_nuls_are_waited_for_and_then_a_hole",
        LINES + "test_a_hole_of_any_size_is_passed_over_in_turns",
    ),
    56: (
        "a size of before, and reads that end before the file",
        VIEWS + "test_a_size_of_before",
        VIEWS + "test_a_read_that_ends_before_the_file",
    ),
    57: ("ESTALE, in any call", VIEWS + "test_a_call_that_fails_for_a_while"),
    58: (
        "other errors in any call, of a file or of its directory",
        VIEWS + "test_a_call_that_fails_for_a_while",
        VIEWS + "test_a_file_that_cannot_be_seen_hides_no_others",
        ACCIDENT + "directory_without_permission",
    ),
    59: (
        "a file system that is not mounted for minutes",
        VIEWS + "test_a_file_system_that_is_not_mounted",
        CROWDS + "test_files_of_a_directory_that_cannot_be_seen_are_kept",
    ),
    60: (
        "other numbers of files and devices",
        VIEWS + "test_all_files_have_other_numbers",
    ),
    61: (
        "renamed between any two calls of a look",
        VIEWS + "test_rotated_in_the_midst_of_a_look",
    ),
    62: (
        "a directory renamed in the midst of a walk",
        VIEWS + "test_a_directory_is_renamed_in_the_midst_of_a_walk",
    ),
    63: (
        "times that are wrong, or stand still",
        VIEWS + "test_times_that_stand_still",
        ACCIDENT + "mtime_stands_still",
        ACCIDENT + "mtime_of_2001",
        ACCIDENT + "same_size_and_mtime",
        ACCIDENT + "times_of_other_centuries",
    ),
    64: (
        "a file system that hangs",
        ENDS + "test_a_device_that_does_not_answer_stops_only_its_own_files",
        "tailer/test_hanging_files.py::test_a_tailer_whose_files_hang_is_not_ready",
    ),
    65: (
        "nothing is stored beside the files",
        "compose/test_stack.py::test_logs_cannot_be_written",
    ),
    # What lines and files hold.
    66: (
        "bytes that are no text, marks, other encodings",
        RECORDS + "test_byte_order_mark_is_removed_at_the_head_alone",
        ACCIDENT + "byte_order_mark",
        ACCIDENT + "lines_that_are_no_records",
        ACCIDENT + "sixteen_bits",
    ),
    67: (
        "lines that are no records, or odd ones",
        FOLLOWING + "test_garbage_is_rejected_and_the_rest_arrives",
        ACCIDENT + "odd_records",
        ACCIDENT + "fifty_thousand_keys",
        "tailcast_streams/test_record.py::test_garbage_is_never_an_error",
    ),
    68: (
        "several objects on a line",
        LINES + "test_whole_records_on_a_broken_line_are_records",
        ACCIDENT + "two_writers_without_append",
    ),
    69: (
        "a line that is too long, over a restart too",
        ACCIDENT + "line_of_20_MB",
        BATCHES + "test_line_that_is_too_long_is_told_once",
        LINES + "test_a_line_that_is_too_long_over_restarts",
    ),
    70: (
        "a line as long as may be, and a byte more or less",
        LINES + "test_a_line_at_the_bound",
    ),
    71: (
        "no newline for very long, in bounded memory",
        REAL + "test_huge_line_in_bounded_memory",
    ),
    72: (
        "odd names",
        ACCIDENT + "odd_names",
        ACCIDENT + "name_that_is_no_text",
        "tailcast_streams/test_keys.py::test_what_would_move_or_hide_a_key_is_encoded",
    ),
    73: (
        "emergency files, however they are written",
        ACCIDENT + "emergency_in_pieces",
        ACCIDENT + "emergency_renamed_in",
        ACCIDENT + "emergency_overwritten",
        ACCIDENT + "emergency_never_valid",
        ACCIDENT + "emergency_of_11_MB",
        DOCUMENTS + "test_restart_repeats_nothing",
    ),
    # What a broker does.
    74: (
        "away at the start, for long, again and again",
        REAL + "test_broker_that_comes_late_is_waited_for",
        BROKERS + "test_a_broker_that_takes_nothing_for_a_while",
    ),
    75: (
        "the reply is lost after the effect",
        BATCHES + "test_lost_reply_is_no_repetition",
        MACHINE,
    ),
    76: (
        "every error that it has",
        "tailcast_streams/redis/test_errors.py::test_each_code_says_whether_waiting_helps_and_what_mends_it",
        "tailer/test_refusals.py::test_what_is_refused_is_told_and_waited_for",
        "tailer/test_full_broker.py::test_b2_a_full_broker_is_told_and_waited_for",
    ),
    77: (
        "it forgets its latest",
        LOSSES + "test_a1_same_bytes_get_the_same_ids_after_a_loss",
        LOSSES + "test_a2_idle_file_is_read_again_after_a_rollback",
    ),
    78: (
        "it forgets all",
        REAL + "test_a2_wiped_broker_is_filled_again_with_the_same_ids",
        "e2e/test_lost_broker.py::test_p1_a_cursor_outlives_the_stream_that_it_is_of",
    ),
    79: (
        "one of a session's keys is gone",
        LOSSES + "test_a3_deleted_keys_lead_to_a_new_incarnation",
    ),
    80: (
        "trimmed to nothing, then new lines",
        BOUNDS + "test_b1_emptied_stream_is_not_filled_again",
        "conformance/test_append.py::test_trimming_keeps_the_last_id",
    ),
    81: ("two tailers, one asleep", REAL + "test_two_tailers_and_one_asleep"),
    82: (
        "a tailer whose view is out of date",
        LOSSES + "test_a4_stale_view_of_another_tailer_declares_nothing",
        BROKERS + "test_a_machine_whose_view_is_out_of_date",
    ),
    83: (
        "two versions of the script at the same time",
        BECAUSE + "a script is called by the digest of its text: each version has its "
        "own, and what both compare is the stored position",
        "tailcast_streams/redis/test_broker.py::test_a_broker_that_forgot_its_scripts_gets_them_again",
    ),
    84: (
        "clocks that are set",
        BROKERS + "test_the_clock_is_set",
        "tailer/upkeep/test_expiry.py::test_a_clock_that_is_set_ends_no_life",
        LOSSES + "test_a1_rewritten_file_is_told_whatever_its_records_say",
    ),
    # Load, ends, and what is told of it.
    85: (
        "a long backlog beside files that move",
        CROWDS + "test_a_file_that_moves_waits_for_no_crowd",
        CROWDS + "test_many_files_begin_in_lots_the_newest_first",
    ),
    86: (
        "a backlog at the start does not delay the newest file",
        CROWDS + "test_many_files_begin_in_lots_the_newest_first",
    ),
    87: (
        "thousands of files at rest",
        BECAUSE + "a test would measure time: `benchmarks/crowd` has the figures",
        PROGRESS + "test_files_at_rest_are_looked_at_less",
        PROGRESS + "test_watched_files_are_looked_at_once_a_minute",
    ),
    88: (
        "the kernel gives no more watches",
        HINTS + "test_a_bound_of_the_kernel_is_told_with_its_name",
    ),
    89: ("notifications get lost", HINTS + "test_after_a_loss_all_is_told"),
    90: (
        "directories in directories, filled before they are watched",
        HINTS + "test_what_is_in_a_new_directory_is_told",
    ),
    91: (
        "what is watched is made anew",
        HINTS + "test_another_directory_in_the_place_of_one_is_watched",
        ACCIDENT + "watched_directory_made_anew",
    ),
    92: (
        "told to end, at any time and twice",
        ENDS + "test_a_signal_in_the_midst_of_work_ends_it_in_order",
        REAL + "test_sigterm_in_the_midst_of_work",
        BROKERS + "test_it_ends_while_the_broker_is_away",
    ),
    93: (
        "a thousand files come and go",
        WRITERS + "test_a_thousand_lives_leave_nothing_open",
    ),
    94: (
        "how far behind it is",
        BATCHES + "test_state_says_how_far_a_session_is",
        "compose/test_alerts.py::test_a_fault_raises_its_alerts_and_no_others",
    ),
    95: (
        "in the order of the file, over batches, restarts and generations",
        "tailer/scenarios/test_rotation_model.py::test_each_line_comes_once_or_it_is_told",
        "properties/test_tailer_model.py::test_stream_is_the_file_whatever_happens",
    ),
    96: ("all of it in any order", MACHINE),
}


def test_each_scenario_is_in_the_catalogue() -> None:
    """None is left out."""
    assert list(CATALOGUE) == list(range(1, LAST + 1))


@pytest.mark.parametrize("number", CATALOGUE)
def test_what_shows_a_scenario_exists(number: int) -> None:
    """What it is said to be shown by is a test, or a row; or there is a reason."""
    _, *shown_by = CATALOGUE[number]
    assert shown_by
    for one in shown_by:
        assert_there(one)
