"""What both services assume unless they are told otherwise. Pure; constants only."""

__all__ = ["KEY_PREFIX", "STEP_KEYS", "TIME_KEYS"]

KEY_PREFIX = "telemetry"

# Where producers put their step; the first that a record has, wins.
STEP_KEYS = (
    "step",
    "global_step",
    "_step",
    "Step",
    "iteration",
    "iter",
    "current_steps",
    "training_iteration",
    "time/total_timesteps",
    "num_updates",
    "update",
    "epoch",
)
# Where they put the time. A bare `time` below 1e9 is a duration (seconds per iteration)
# in some of them, so it is last and its value decides.
TIME_KEYS = (
    "timestamp",
    "ts",
    "time_us",
    "time_ms",
    "_timestamp",
    "Time",
    "created_at",
    "datetime",
    "time",
)
