"""docs/files.md says what is so: for each of its statements, what shows it.

A statement is a sentence, a bullet or a row of a table. It is known by its beginning,
within its chapter: whoever adds one, or says something else, says here what shows it.
"""

import re

import pytest

from tests.accidents.followers import Way
from tests.accidents.table import TABLE
from tests.docs.pages import CODE, chapters, read_page, rows, statements
from tests.shown import ACCIDENT, BECAUSE, assert_there


PAGE = read_page("docs/files.md")
CHAPTERS = chapters(PAGE)
# This one tells what was measured; its rows are those of the table of accidents.
MEASURED = "Accidents, played to Tailcast and to others"

HEADS = "tailer/core/test_heads.py::"
NAMES = "tailer/core/test_session_names.py::"
PART_NAMES = "tailer/core/test_part_names.py::"
PROOFS = "tailer/core/test_proofs.py::"
RECORDS = "tailer/core/test_records.py::"
BESIDE = "tailer/core/test_beside.py::"
PROGRESS = "tailer/core/test_progress.py::"
PART_FILES = "tailer/files/test_part_files.py::"
DISCOVERY = "tailer/finding/test_discovery.py::"
SURVEY = "tailer/finding/test_survey.py::"
RENAMES = "tailer/finding/test_renames.py::"
ROTATED = "tailer/finding/test_rotated.py::"
SHAPES = "tailer/core/test_rotated_names.py::"
FATES = "tailer/finding/test_fates.py::"
MIDDLE = "tailer/following/test_middle.py::"
ROTATION = "tailer/scenarios/test_rotation.py::"
LOSSES = "tailer/scenarios/test_a_losses.py::"
ENVELOPES = "tailer/test_envelopes.py::"
LAST_LINE = "tailer/test_last_line.py::"
FOLLOWING = "tailer/test_following.py::"
TOLD_BESIDE = "tailer/upkeep/test_beside.py::"
SOURCES = "tailer/upkeep/test_sources.py::"
VIEWS = "oracle/test_views.py::"
WRITERS = "oracle/test_writers.py::"
LISTED = "integration/test_gateway_sources.py::"
MODEL = "tailer/scenarios/test_rotation_model.py::"
CROWDS = "tailer/test_crowds.py::"
ABSENCE = "tailer/test_absence.py::"
DOCUMENTS = "tailer/following/test_document_file.py::"
SESSION_LISTS = "integration/test_gateway_session_lists.py::"
ANSWER = "gateway/sessions/test_catalogue.py::"
REWINDS = "gateway/delivery/test_encoding.py::test_a_later_marker_is_a_rewind"

SHOWN: dict[str, dict[str, tuple[str, ...]]] = {
    "Files": {
        "Which files Tailcast follows": (BECAUSE + "it says what the page is about",),
        "`GET /api/sources` says": (
            SOURCES + "test_each_file_is_told",
            SOURCES + "test_what_is_not_followed_says_why",
            LISTED + "test_paths_of_all_tailers_page_by_page",
        ),
    },
    "Which files are followed": {
        "With `--log-dir` (and in containers)": (
            "tailer/core/test_patterns.py::test_patterns",
            "e2e/test_names.py::test_log_directory_and_patterns",
            FOLLOWING + "test_garbage_is_rejected_and_the_rest_arrives",
            FOLLOWING + "test_emergency_document_arrives_once",
            ACCIDENT + "compressed_with_the_name_of_lines",
        ),
        "`tailcast up FILE`": (
            DISCOVERY + "test_single_file_is_a_session_by_its_name",
            DISCOVERY + "test_a_file_that_is_named_is_followed_whatever_it_is",
        ),
        "`tailcast up DIRECTORY`": (
            DISCOVERY + "test_directory_is_searched_by_what_files_hold",
            DISCOVERY + "test_samples_of_real_producers_all_arrive",
        ),
        "a file with a record among its first lines": (
            HEADS + "test_a_file_without_the_extension_of_lines",
        ),
        "Lines of text may stand before it": (
            HEADS + "test_a_file_without_the_extension_of_lines",
            ENVELOPES + "test_records_are_read_out_of_what_is_around_them",
        ),
        "a file whose records measure something": (
            HEADS + "test_a_file_without_the_extension_of_lines",
        ),
        "a file with records that grows": (
            HEADS + "test_what_may_become_a_run_is_waited_for",
            SURVEY + "test_what_is_left_out_is_looked_at_when_it_changes",
        ),
        "a file named `.jsonl` or `.ndjson` whose lines are no records": (
            HEADS + "test_a_file_with_the_extension_of_lines",
            ACCIDENT + "lines_that_are_no_records",
            "integration/test_gateway_http.py::test_rejected_lines",
        ),
        "It leaves out": (SURVEY + "test_what_is_left_out_is_said",),
        "data sets |": (
            HEADS + "test_a_file_with_the_extension_of_lines",
            SURVEY + "test_what_is_left_out_is_said",
        ),
        "one object alone": (
            SURVEY + "test_what_is_left_out_is_looked_at_when_it_changes",
        ),
        "`NAME.meta.json`, `config.json`": (
            HEADS + "test_what_a_run_says_of_itself_is_no_run",
            TOLD_BESIDE
            + "test_in_a_directory_whose_files_are_judged_by_what_they_hold",
        ),
        "other `.yaml`": (HEADS + "test_configuration_is_never_a_run",),
        "lines that have level": (
            HEADS + "test_a_file_without_the_extension_of_lines",
        ),
        "text, archives": (
            HEADS + "test_a_file_without_the_extension_of_lines",
            "tailer/core/test_formats.py::test_what_a_file_is",
        ),
        "`.lock`, `.pid`": (
            "tailer/core/test_passing_names.py::test_locks_and_copies_in_progress",
            ACCIDENT + "link_as_a_lock",
        ),
        "hidden files": (SURVEY + "test_what_is_left_out_is_said",),
        "What is left out for what it holds": (
            SURVEY + "test_what_is_left_out_is_looked_at_when_it_changes",
        ),
        "To follow one of these files": (
            DISCOVERY + "test_a_file_that_is_named_is_followed_whatever_it_is",
        ),
        "What stands around the records": (
            ENVELOPES + "test_records_are_read_out_of_what_is_around_them",
            ENVELOPES + "test_text_is_counted_with_the_session",
        ),
        "A file that cannot be read when it is first seen": (
            SURVEY + "test_a_file_that_cannot_be_read_yet_is_tried_again",
            SURVEY + "test_what_cannot_be_read_is_tried_again_within_a_minute",
            ACCIDENT + "unreadable_then_readable",
        ),
        "One that cannot be read later": (
            VIEWS + "test_a_call_that_fails_for_a_while",
            VIEWS + "test_a_read_that_ends_before_the_file",
            VIEWS + "test_what_cannot_be_read_is_looked_at_each_ten_seconds",
        ),
        "It keeps no other file": (
            VIEWS + "test_a_file_that_cannot_be_seen_hides_no_others",
            SURVEY + "test_a_file_over_which_something_fails_keeps_no_other",
        ),
    },
    "What a session is called": {
        "By the path below the directory": (
            NAMES + "test_the_extension_of_lines_goes_and_others_stay",
            DISCOVERY + "test_new_directories_and_files_are_found",
        ),
        "A file that is named itself": (
            DISCOVERY + "test_single_file_is_a_session_by_its_name",
        ),
        "`TAILCAST_SESSION_PREFIX`": (
            NAMES + "test_what_stands_before_a_name",
            DISCOVERY + "test_a_prefix_stands_before_all_names",
        ),
        "With several directories": (
            NAMES + "test_roots_are_called_by_what_tells_them_apart",
            DISCOVERY + "test_equal_names_below_two_roots_are_told_apart",
        ),
        "The name depends on the path alone": (
            SURVEY + "test_one_map_in_any_order_and_after_any_restart",
        ),
        "Nothing is refused for its name": (
            NAMES + "test_the_extension_of_lines_goes_and_others_stay",
            ACCIDENT + "name_that_is_no_text",
            ACCIDENT + "name_with_a_mark",
        ),
        "Where two files would have one name": (
            SURVEY + "test_no_file_appends_to_the_session_of_another",
        ),
        "A session keeps its name.": (SURVEY + "test_streams_under_older_names_go_on",),
        "Streams that an earlier version made": (
            SURVEY + "test_streams_under_older_names_go_on",
            "e2e/test_upgrade.py::test_a_file_that_rests_keeps_its_session",
        ),
    },
    "One session for each real file": {
        "a link to a file that is watched": (
            SURVEY + "test_a_link_to_a_file_that_is_watched_is_no_session",
        ),
        "a link to a file elsewhere": (
            WRITERS + "test_a_link_that_is_switched_again_and_again",
            ACCIDENT + "link_dangles_then_not",
        ),
        "a link to a directory": (
            SURVEY + "test_a_link_to_a_directory_is_entered_once",
            SURVEY + "test_one_map_in_any_order_and_after_any_restart",
        ),
        "a hard link": (
            SURVEY + "test_a_link_to_a_file_that_is_watched_is_no_session",
            ACCIDENT + "hard_link_appears",
        ),
        "a file or directory that is renamed": (
            RENAMES + "test_a_renamed_file_goes_on_as_its_session",
            RENAMES + "test_a_renamed_directory_goes_on",
        ),
        "a new file under the name": (
            RENAMES + "test_a_file_comes_back_to_a_name_whose_file_was_renamed",
        ),
        "a directory moved elsewhere": (
            RENAMES + "test_a_directory_that_becomes_a_link_goes_on",
        ),
        "A renamed file is known by its bytes": (
            RENAMES + "test_a_new_file_with_the_number_of_a_deleted_one_is_another",
            VIEWS + "test_all_files_have_other_numbers",
            PROOFS + "test_head_proof_has_the_lengths_that_there_are",
            PROOFS + "test_marker_proof_covers_the_last_bytes",
        ),
    },
    "Runs that are written as numbered files": {
        "`000000.jsonl`": (PART_NAMES + "test_names_of_parts",),
        "It is one session": (
            PART_FILES + "test_parts_are_one_session_in_their_order",
            PART_NAMES + "test_parts_are_read_in_the_order_of_their_numbers",
        ),
        "`metrics.jsonl` goes on": (
            PART_FILES + "test_a_file_goes_on_in_a_folder_of_parts",
        ),
        "Nothing is told between two parts": (
            PART_FILES + "test_parts_are_one_session_in_their_order",
            PART_FILES + "test_parts_go_on_after_a_restart",
        ),
        "A part is done": (
            PART_FILES + "test_a_part_is_done_when_the_next_one_has_something",
            PART_FILES + "test_a_part_that_ends_in_the_middle_of_a_line",
        ),
        "The number has to begin with a zero": (PART_NAMES + "test_names_of_parts",),
        "`TAILCAST_PART_PATTERNS` says": (
            PART_NAMES + "test_names_of_parts_that_somebody_chose",
            PART_FILES + "test_parts_of_names_that_somebody_chose",
        ),
        "A pattern is one of names": (
            PART_NAMES + "test_patterns_of_parts_are_patterns_of_names",
            PART_NAMES + "test_names_of_parts_that_somebody_chose",
            PART_NAMES
            + "test_parts_of_chosen_names_are_read_in_the_order_of_their_numbers",
        ),
        "In the broker the offsets": (
            PART_FILES + "test_parts_are_one_session_in_their_order",
        ),
    },
    "Rotation": {
        "A name that only rotation gives": (
            SHAPES + "test_names_that_only_rotation_gives",
            ROTATION + "test_ways_to_rotate",
        ),
        "To follow such a file for itself": (
            DISCOVERY + "test_a_file_that_is_named_is_followed_whatever_it_is",
            ROTATED + "test_a_pattern_of_such_names",
        ),
        "`a_r00001.log` is so the past": (
            ROTATED + "test_the_file_that_is_written_is_named_so",
        ),
        "Files are in the order of their days": (
            SHAPES + "test_earlier_days_are_older",
            SHAPES + "test_higher_numbers_are_older",
            SHAPES + "test_numbers_within_a_day_are_in_the_order_that_is_given",
        ),
        "Some programs begin a file under such a name": (
            ROTATED + "test_what_goes_on_under_rising_numbers_is_a_session",
            ROTATED + "test_what_is_written_under_the_name_of_a_day_is_a_session",
            ROTATED + "test_a_number_of_a_day_and_the_days_own_file",
        ),
        "Such a file is a session of its own": (
            ROTATED + "test_what_goes_on_under_rising_numbers_is_a_session",
            ROTATED + "test_rising_numbers_that_are_there_before_the_start",
            FATES + "test_beside_a_file_that_is_followed",
            FATES + "test_a_copy_is_no_session",
        ),
        "Where nothing has the path": (
            ROTATED + "test_what_is_written_under_the_name_of_a_day_is_a_session",
            FATES + "test_of_a_path_that_nothing_has",
        ),
        "That session is the file's alone": (
            ROTATED + "test_such_a_session_is_that_of_its_file_alone",
        ),
        "`GET /api/sources` names what is left out so": (
            ROTATED + "test_what_goes_on_under_rising_numbers_is_a_session",
            ROTATED + "test_what_is_written_under_the_name_of_a_day_is_a_session",
        ),
        "A name that runs have too": (
            SHAPES + "test_names_that_runs_have_too",
            ROTATED + "test_what_was_read_is_the_past",
            ROTATED + "test_what_was_not_read_is_a_session",
            ROTATED + "test_rotated_twice_between_two_looks",
            ROTATED + "test_a_run_with_a_name_as_rotated_files_have",
            "tailer/core/test_past_files.py::test_the_latest_are_remembered",
        ),
        "A file that was rotated away is read": (
            ROTATION + "test_rotations_between_two_looks_are_read_in_order",
            ROTATION + "test_rotations_while_the_tailer_was_down",
            MODEL + "test_each_line_comes_once_or_it_is_told",
        ),
        "Clients are told `rewind`": (
            FOLLOWING + "test_replaced_file_keeps_its_common_prefix",
            REWINDS,
        ),
        "A session that is seen first": (
            ROTATION + "test_a_session_begins_with_its_oldest_file",
        ),
        "A link that is named, and that is moved": (ACCIDENT + "symlink_moved",),
        "If the next file has not the number": (
            "tailer/files/test_rotated_files.py::test_a_link_that_leaves_a_file_out",
        ),
        "To have them all, follow": (ROTATED + "test_what_was_not_read_is_a_session",),
        "Rotated files whose path nothing has": (
            SURVEY + "test_the_past_of_a_path_that_nothing_has_waits_for_it",
            WRITERS + "test_what_was_put_aside_unseen_is_told_once_its_path_is_there",
        ),
        "With `tailcast up DIRECTORY` they wait": (
            SURVEY + "test_the_past_of_a_path_that_nothing_has_waits_for_it",
        ),
        "An empty new file ends nothing": (
            ROTATION + "test_an_empty_successor_ends_nothing",
        ),
        "The old one is left": (
            ROTATION + "test_rotations_are_no_rewrites",
            ROTATION + "test_a_file_that_may_grow_is_not_complete",
        ),
        '`"complete":false` in the `rewind`': (
            ROTATION + "test_a_file_that_may_grow_is_not_complete",
            ROTATION + "test_half_a_line_at_the_end_is_waited_for",
            ROTATION + "test_what_was_deleted_between_two_looks_is_told",
            ROTATION + "test_ways_to_rotate_while_the_tailer_is_down",
            REWINDS,
        ),
        "That holds for a first file that was rotated away empty": (
            WRITERS + "test_an_empty_file_is_rotated_and_both_are_written",
            WRITERS + "test_an_empty_file_with_a_writer_was_rotated_before_the_start",
            ACCIDENT + "logrotate_before_the_first_line",
        ),
        "If it was left before": (
            WRITERS + "test_an_empty_file_is_rotated_and_both_are_written",
        ),
        "While the new file is empty": (
            WRITERS + "test_an_empty_file_is_rotated_and_its_writer_goes_on",
        ),
        "A file that was cut to nothing": (BECAUSE + "it says why what follows is so",),
        "If it gets lines and is rotated": (
            WRITERS + "test_rotated_after_it_was_cut_to_nothing",
            ACCIDENT + "cut_then_rotated_while_down",
        ),
        "Files that were rotated away before": (
            WRITERS + "test_rotated_after_it_was_cut_to_nothing",
        ),
        "Where the clock of a file server": (BECAUSE + "it says what is not done",),
    },
    "Files that are written anew": {
        "What a rewrite keeps": (
            FOLLOWING + "test_replaced_file_keeps_its_common_prefix",
            "integration/test_gateway_faults.py::test_rewind",
        ),
        "A file that is written anew again and again": (
            LOSSES + "test_a4_rewrites_again_and_again_are_bounded",
            LOSSES + "test_a4_rewritten_file_that_stands_still_is_taken",
        ),
        "While it waits": (
            LOSSES + "test_a4_rewrites_again_and_again_are_bounded",
            "gateway/delivery/test_contests.py::test_a_file_that_waits_is_no_dispute",
        ),
        "A run that cuts its file back": (
            LOSSES + "test_a4_resume_that_cuts_back_is_taken_at_its_first_line",
            ACCIDENT + "resume_goes_on_slowly",
        ),
        "Each look at a file proves": (
            PROOFS + "test_head_proof_has_the_lengths_that_there_are",
            PROOFS + "test_marker_proof_covers_the_last_bytes",
            ACCIDENT + "same_size_and_head_other_tail",
        ),
        "If it is changed without growing": (
            MIDDLE + "test_written_over_in_place",
            MIDDLE + "test_renamed_in",
            MIDDLE + "test_it_is_compared_for_a_part_of_the_time",
        ),
        "Nobody notices a change": (
            MIDDLE + "test_what_nobody_notices",
            MIDDLE + "test_a_run_of_numbered_files_is_not_compared",
        ),
    },
    "Lines": {
        "A line that is no JSON object": (
            RECORDS + "test_rejections_say_why_and_where",
            "integration/test_gateway_http.py::test_rejected_lines",
        ),
        "In a file that is not named `.jsonl`": (
            "tailer/core/test_reading.py::test_text_between_records_is_passed_over",
            ENVELOPES + "test_text_is_counted_with_the_session",
            ANSWER + "test_what_is_no_record_and_not_rejected",
        ),
        "A first line": (
            BESIDE + "test_a_header_is_an_object_behind_a_comment",
            TOLD_BESIDE + "test_a_header_is_told_and_is_no_record",
        ),
        "Two objects on one line": (
            RECORDS + "test_two_objects_on_a_line_are_two_records",
        ),
        "A whole object behind a broken piece": (
            RECORDS + "test_of_a_line_with_a_broken_piece_the_piece_alone_is_rejected",
        ),
        "Lines of Docker's and Kubernetes' logs": (
            ENVELOPES + "test_records_are_read_out_of_what_is_around_them",
        ),
        "So are lines with a text before": (
            "tailer/core/test_forms.py::test_forms",
            ENVELOPES + "test_records_are_read_out_of_what_is_around_them",
        ),
        "A last line without a newline": (
            LAST_LINE + "test_a_whole_last_line_is_a_record_once_it_rests",
            "tailer/core/test_resting.py::test_when_it_has_rested",
        ),
        "Other bytes behind the last newline": (
            LAST_LINE + "test_where_it_is_not_whole_it_is_held_back_and_named",
            ANSWER + "test_what_is_no_record_and_not_rejected",
        ),
        "If a line that was taken so goes on": (
            LAST_LINE + "test_what_goes_on_is_told_as_rewound",
            REWINDS,
        ),
        "NUL bytes are waited for": (
            LOSSES + "test_a4_nuls_are_waited_for_and_then_a_hole",
            RECORDS + "test_a_hole_is_no_part_of_a_lines_length",
        ),
    },
    "What stands beside the records": {
        "What a run was started with": (BECAUSE + "it says why one looks elsewhere",),
        "It is taken from the file's header": (
            TOLD_BESIDE + "test_a_header_is_told_and_is_no_record",
            TOLD_BESIDE + "test_documents_beside_a_file_are_told_as_they_change",
            BESIDE + "test_a_file_has_a_document_of_its_own_and_those_of_its_directory",
        ),
        "A run that is called by the folder": (
            TOLD_BESIDE + "test_documents_of_a_run_in_numbered_files",
        ),
        "Each is one object": (
            BESIDE + "test_a_document_is_one_object",
            BESIDE + "test_what_is_no_document_says_why",
            TOLD_BESIDE + "test_documents_beside_a_file_are_told_as_they_change",
            SESSION_LISTS + "test_lists_snapshots_and_the_socket_say_the_same",
        ),
        "One that cannot be read": (
            TOLD_BESIDE + "test_what_cannot_be_told_is_named",
            "gateway/sessions/test_descriptions.py::test_the_more_telling_comes_first",
        ),
        "[What it means]": (
            "gateway/sessions/test_descriptions.py::test_the_more_telling_comes_first",
        ),
        "None of them is a record": (
            HEADS + "test_what_a_run_says_of_itself_is_no_run",
            TOLD_BESIDE + "test_a_header_is_told_and_is_no_record",
        ),
    },
    "Files that are not there": {
        "A file that is gone for a minute": (
            "tailer/test_crowds.py::test_deleted_files_are_forgotten_and_found_again",
            CROWDS + "test_files_of_a_directory_that_cannot_be_seen_are_kept",
        ),
        "Meanwhile `absentSince`": (
            ABSENCE + "test_files_that_went_and_came_while_no_tailer_looked",
            ANSWER + "test_what_is_no_record_and_not_rejected",
        ),
        "An error never means": (
            VIEWS + "test_a_call_that_fails_for_a_while",
            "tailer/scenarios/test_batches.py::test_unreadable_file_is_not_deleted",
        ),
        "An emergency file that is no document": (
            DOCUMENTS + "test_what_is_no_document_is_told_as_such",
            ACCIDENT + "emergency_never_valid",
        ),
    },
    "On network file systems": {
        "NFS, SMB, Lustre": (DISCOVERY + "test_file_system_types",),
        "Nobody tells there": (
            VIEWS + "test_another_machine_writes",
            PROGRESS + "test_files_at_rest_are_looked_at_less",
        ),
        "New names are found": (VIEWS + "test_names_come_late",),
        "Such a file system may show": (BECAUSE + "it says why what follows is so",),
        "A file that seems to be shorter": (
            PROGRESS + "test_shorter_file_that_stands_still_is_a_new_generation",
            VIEWS + "test_a_size_of_before",
            VIEWS + "test_a_file_system_that_is_not_mounted",
        ),
        "NUL bytes where a size": (VIEWS + "test_bytes_that_come_after_their_size",),
        "Errors such as `ESTALE`": (VIEWS + "test_a_call_that_fails_for_a_while",),
        "What a file is called by its file system": (
            VIEWS + "test_all_files_have_other_numbers",
        ),
        "A rotated file may show": (
            VIEWS + "test_a_rotated_file_whose_name_comes_late",
            ACCIDENT + "rotated_with_the_time",
        ),
        "So one that was rotated away before": (BECAUSE + "it says what is not done",),
        "`GET /api/sources` has it among": (
            SURVEY + "test_the_past_of_a_path_that_nothing_has_waits_for_it",
        ),
        "Where names show at once": (VIEWS + "test_rotated_before_its_first_look",),
        "Nor is one that was rotated away empty": (
            BECAUSE + "it says what is not done",
        ),
        "Over SFTP": (BECAUSE + "it says why what follows is so",),
        "So a file of the same size": (BECAUSE + "it says what is not seen",),
        "`tests/oracle` shows": (
            "oracle/test_machine.py::test_streams_are_the_files_or_say_why_not",
        ),
        "`tests/accidents` plays": (
            "docs/test_files.py::test_the_rows_that_are_played_elsewhere_are_counted",
            "accidents/test_accidents.py::test_accident_is_survived",
        ),
        "Not the others": (BECAUSE + "it says what was not done",),
        "The kernel's own clients": (BECAUSE + "it says what was not done",),
    },
}


@pytest.mark.parametrize("title", [one for one in CHAPTERS if one != MEASURED])
def test_each_statement_is_shown(title: str) -> None:
    """By its beginning, and no other statement has that."""
    shown = SHOWN.get(title, {})
    said = statements(CHAPTERS[title])
    for one in said:
        assert any(map(one.startswith, shown)), f"what shows that: {one}"
    for beginning in shown:
        count = sum(one.startswith(beginning) for one in said)
        assert count == 1, f"{count} statements begin with: {beginning}"


@pytest.mark.parametrize("title", SHOWN)
def test_what_shows_a_statement_exists(title: str) -> None:
    """Each is a test, or a row of the accidents; or there is a reason."""
    assert title in CHAPTERS
    for shown_by in SHOWN[title].values():
        for one in shown_by:
            assert_there(one)


def test_the_rows_that_all_were_played_are_on_the_page() -> None:
    """Those that were survived by everybody below the table; and how many there are."""
    text = CHAPTERS[MEASURED]
    in_table = [name for first, *_ in rows(text) for name in CODE.findall(first)]
    below = text.partition("All of them survived these:")[2].partition(".")[0]
    for_all = {name for name, row in TABLE.items() if row.is_for_all}
    assert {*in_table, *CODE.findall(below)} == for_all
    counts = set(re.findall(r"\*\*\d+ of (\d+)\*\*", text))
    assert counts | set(re.findall(r"(\d+) rows, to everybody", text)) == {
        str(len(for_all))
    }


def test_the_rows_that_are_played_elsewhere_are_counted() -> None:
    """On the other end of a network file system."""
    counts = re.findall(r"plays (\d+) of its rows", PAGE)
    assert counts == [str(sum(Way.REMOTE in row.ways for row in TABLE.values()))]
