"""Tests that have not been seen to pass on an idle machine yet. They are skipped, and the summary says so one by one; a line goes away with the
first run that shows it. Running with SLIPWAY_E2E_ALL=1 skips none."""

UNSEEN = "not seen to pass yet since it was last changed; run it with SLIPWAY_E2E_ALL=1"

NOT_SHOWN = {
    "test_pool.py::test_an_agent_stopped_for_good_is_as_a_dead_host": UNSEEN,
    "test_pool.py::test_killed_between_a_cloud_call_and_its_record_the_wanted_number_stands[cloud.launch.after]": UNSEEN,
    "test_pool.py::test_kill_of_the_cloud_leaves_guests_and_jobs_alone": UNSEEN,
    "test_dev.py::test_a_child_that_is_killed_is_started_again": UNSEEN,
    "test_dev.py::test_two_of_them_side_by_side_do_not_meet": UNSEEN,
    "test_leftovers.py::test_with_the_cloud_stopped_it_looks_by_itself": UNSEEN,
    "test_leftovers.py::test_after_ctrl_c_nothing_is_left": UNSEEN,
    "test_release.py::test_two_hosts_are_ready_within_8_s": UNSEEN,
    "test_release.py::test_the_digits_job_gives_accuracy_picture_and_metrics": UNSEEN,
    "test_release.py::test_baking_it_again_returns_at_once": UNSEEN,
    "test_release.py::test_the_digits_job_goes_on_when_controller_and_cloud_are_killed": UNSEEN,
    "test_release.py::test_an_agent_killed_in_its_guest_is_started_again_by_its_unit": UNSEEN,
    "test_install.py::": UNSEEN,
}


def reason_to_skip(nodeid):
    for part, reason in NOT_SHOWN.items():
        if part in nodeid:
            return reason
    return None
