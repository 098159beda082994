"""The defaults of settings that several services have. Pure; constants only."""

__all__ = ["KEY_PREFIX", "STEP_KEYS", "TIME_KEYS"]

KEY_PREFIX = "telemetry"

# The keys under which producers write their step; the first that a record has counts.
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
# The keys under which they write the time. For some of them `time` is a duration
# (seconds per iteration), so it is the last key, and values below 1e9 do not count.
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
