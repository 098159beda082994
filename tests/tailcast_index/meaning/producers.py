"""What training libraries write, a few lines each, and what it means.

The shapes are theirs; the values are made up. Where `tests/samples` has a file, its
lines are read from there.
"""

from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from tailcast_index.meaning import Value


_SAMPLES = Path(__file__).parents[2] / "samples"
_T = 1_795_875_380_000  # 2026-11-28 14:16:20 UTC


@dataclass(frozen=True, slots=True, kw_only=True)
class Producer:
    """A file of a producer, with what it means."""

    lines: tuple[str, ...]
    step_key: str | None
    time_key: str | None = None
    steps: list[int | float | None]
    # The first and the last time, Unix milliseconds.
    times_ms: tuple[int | None, int | None] = (None, None)
    # Each metric with its last value.
    metrics: dict[str, Value]
    total_steps: int | None = None
    # The settings on its lines, None without.
    config: dict[str, object] | None = None
    # The lane of each line, if there are several.
    lanes: tuple[str, ...] = ()


def _sample(path: str) -> tuple[str, ...]:
    return tuple((_SAMPLES / path).read_text().splitlines())


PRODUCERS: dict[str, Producer] = {
    # ------------------------------------------------------------ flat records
    "stable_baselines3": Producer(
        lines=_sample("stable_baselines3/progress.json"),
        step_key="time/total_timesteps",
        steps=[2048, 4096, 6144, 8192],
        metrics={
            "rollout/ep_len_mean": 24.0,
            "rollout/ep_rew_mean": 24.0,
            "time/fps": 1234,
            "time/iterations": 4,
            "time/time_elapsed": 8,
            "train/loss": 0.125,
            "train/explained_variance": 0.3,
            "train/approx_kl": "Infinity",
        },
    ),
    "structlog": Producer(
        lines=_sample("structlog/session.jsonl"),
        step_key="step",
        time_key="timestamp",
        steps=[0, 1, 2],
        times_ms=(1_795_411_444_269, 1_795_411_444_269),
        metrics={"loss": "NaN", "lr": 0.0003},
    ),
    "jsonlines": Producer(
        lines=_sample("jsonlines/metrics.jsonl"),
        step_key="step",
        steps=[0, 1, 2],
        metrics={"loss": "Infinity"},
    ),
    "detectron2": Producer(
        lines=_sample("detectron2/metrics.json"),
        step_key="iteration",
        steps=[19, 39],
        # `time` is how long an iteration takes.
        metrics={"data_time": 0.0072, "loss": 1.28, "lr": 0.0077, "time": 0.249},
    ),
    "fairseq2": Producer(
        lines=_sample("fairseq2/train.jsonl"),
        step_key="Step",
        time_key="Time",
        steps=[100],
        times_ms=(1_795_411_200_123, 1_795_411_200_123),
        metrics={
            "NLL Loss": 2.31,
            "Gradient Norm": 1.2,
            "Elements per Second": 15000.0,
        },
    ),
    "llamafactory": Producer(
        lines=_sample("llamafactory/trainer_log.jsonl"),
        step_key="current_steps",
        steps=[10, 20, 20],
        total_steps=300,
        metrics={
            "loss": "NaN",
            "lr": 4.8e-05,
            "percentage": 6.67,
            "throughput": 2311.2,
            "total_tokens": 30720,
            "eval_loss": 1.7,
        },
    ),
    "ms_swift": Producer(
        lines=_sample("ms_swift/logging.jsonl"),
        step_key="global_step/max_steps",
        steps=[5],
        total_steps=250,
        metrics={
            "loss": 2.1,
            "grad_norm": 3.3,
            "learning_rate": 1e-05,
            "token_acc": 0.61,
            "memory(GiB)": 17.4,
            "train_speed(s/it)": 2.2,
        },
    ),
    "mlexperimenttracker": Producer(
        lines=(
            '{"step":0,"timestamp":1.526,"absolute_timestamp":1795875380.547,"loss":1.9}',
            '{"step":10,"timestamp":1.592,"absolute_timestamp":1795875380.612}',
            '{"step":20,"timestamp":1.643,"absolute_timestamp":1795875380.663,"loss":1.2}',
        ),
        step_key="step",
        # The other one counts from the start of the run.
        time_key="absolute_timestamp",
        steps=[0, 10, 20],
        times_ms=(_T + 547, _T + 663),
        metrics={"timestamp": 1.643, "loss": 1.2},
    ),
    "fairseq": Producer(
        lines=(
            '{"epoch":1,"update":0.001,"loss":"8.700","num_updates":"100","lr":"3e-05"}',
            '{"epoch":1,"update":0.002,"loss":"8.400","num_updates":"200","lr":"3e-05"}',
            '{"epoch":1,"update":0.003,"loss":"nan","num_updates":"300","lr":"2e-05"}',
        ),
        step_key="num_updates",
        steps=[100, 200, 300],
        metrics={"loss": "NaN", "lr": 2e-05},
    ),
    "metric_names": Producer(
        lines=(
            (
                '{"step":1,"arc/acc,none":0.31,"val loss":1.0,"a":{"b":9},"a.b":2,'
                '"损失":0.5,"100%":1,"x&y=z":4,"":5,"model.layers.0.weight":1}'
            ),
        ),
        step_key="step",
        steps=[1],
        metrics={
            "arc/acc,none": 0.31,
            "val loss": 1.0,
            "a.b": 2,
            "损失": 0.5,
            "100%": 1,
            "x&y=z": 4,
            "": 5,
            "model.layers.0.weight": 1,
        },
    ),
    # ------------------------------------------------------------ settings on the lines
    "ray_tune": Producer(
        lines=_sample("ray_tune/trial_0001/result.json"),
        step_key="training_iteration",
        time_key="timestamp",
        steps=[1, 2, 3],
        times_ms=(1_795_411_747_000, 1_795_411_747_000),
        metrics={
            "loss": 0.3333333333333333,
            "acc": 0.5,
            "time_this_iter_s": 1.23,
            "time_total_s": 3.69,
            "time_since_restore": 3.69,
            "iterations_since_restore": 3,
        },
        config={"lr": 0.001, "bs": 32},
    ),
    "settings_first": Producer(
        lines=tuple(
            f'{{"config":{{"step":7,"timestamp":1600000000,"max_steps":4}},'
            f'"metrics":{{"step":{step},"loss":{1 / (step + 1)}}},'
            f'"ts":{_T // 1000 + step}}}'
            for step in range(3)
        ),
        step_key="metrics.step",
        time_key="ts",
        steps=[0, 1, 2],
        times_ms=(_T, _T + 2_000),
        total_steps=4,
        metrics={"loss": 1 / 3},
        config={"step": 7, "timestamp": 1600000000, "max_steps": 4},
    ),
    # ------------------------------------------------------------ local-first trackers
    "runboard": Producer(
        lines=(
            '{"loss":1.9,"_step":0,"_time":1795875380.5,"_seq":0,"_sid":"31ba"}',
            '{"loss":1.4,"_step":10,"_time":1795875381.5,"_seq":1,"_sid":"31ba"}',
            '{"loss":1.5,"_step":0,"_time":1795875390.5,"_seq":0,"_sid":"793a"}',
            '{"loss":1.1,"_step":10,"_time":1795875391.5,"_seq":1,"_sid":"793a"}',
        ),
        step_key="_step",
        time_key="_time",
        steps=[0, 10, 0, 10],
        times_ms=(_T + 500, _T + 11_500),
        metrics={"loss": 1.1},
        lanes=("31ba", "31ba", "793a", "793a"),
    ),
    "spectria": Producer(
        # (The header above them, `# {…}`, is no record.)
        lines=(
            '{"epoch":0,"loss":1.92,"val":{"acc":0.5},"_ts":1795875380}',
            '{"epoch":1,"loss":NaN,"val":{"acc":0.6},"_ts":1795875381}',
        ),
        step_key="epoch",
        time_key="_ts",
        steps=[0, 1],
        times_ms=(_T, _T + 1_000),
        metrics={"loss": "NaN", "val.acc": 0.6},
    ),
    "lossline": Producer(
        lines=(
            '{"loss":0.9,"_step":0,"_time":1795875380.5}',
            '{"loss":null,"_step":1,"_time":1795875381.5}',
        ),
        step_key="_step",
        time_key="_time",
        steps=[0, 1],
        times_ms=(_T + 500, _T + 1_500),
        metrics={"loss": 0.9},
    ),
    "swanlab": Producer(
        lines=(
            '{"index":0,"data":0.9,"create_time":"2026-11-28T14:16:20.123Z"}',
            '{"index":1,"data":NaN,"create_time":"2026-11-28T14:16:21.123Z"}',
        ),
        step_key="index",
        time_key="create_time",
        steps=[0, 1],
        times_ms=(_T + 123, _T + 1_123),
        metrics={"data": "NaN"},
    ),
    "brooklet": Producer(
        lines=('{"step":1,"loss":0.5,"_ts":"2026-11-28T14:16:20+00:00","_seq":7}',),
        step_key="step",
        time_key="_ts",
        steps=[1],
        times_ms=(_T, _T),
        metrics={"loss": 0.5},
    ),
    "python_json_logger": Producer(
        lines=(
            (
                '{"asctime":"2026-11-28 14:16:20,123","levelname":"INFO",'
                '"message":"step","global_step":5,"loss":0.5,"lineno":61,"process":4242}'
            ),
        ),
        step_key="global_step",
        time_key="asctime",
        steps=[5],
        times_ms=(_T + 123, _T + 123),
        metrics={"loss": 0.5, "process": 4242},
    ),
    # ------------------------------------------------------------ envelopes
    "loguru": Producer(
        lines=tuple(
            f'{{"text":"step {step} done\\n","record":{{"elapsed":{{"seconds":0.17}},'
            f'"extra":{{"step":{step},"loss":{1 / (step + 1)},"tokens":4096}},'
            f'"line":61,"level":{{"name":"INFO","no":20}},"process":{{"id":4242}},"time":'
            f'{{"repr":"2026-11-28 14:16:20","timestamp":{_T / 1000 + step}}}}}}}'
            for step in (0, 10)
        ),
        step_key="record.extra.step",
        time_key="record.time.timestamp",
        steps=[0, 10],
        times_ms=(_T, _T + 10_000),
        metrics={"loss": 1 / 11, "tokens": 4096},
    ),
    "dalva": Producer(
        lines=(
            (
                '{"version":1,"seq":1,"timestamp":"2026-11-28T14:16:20.875950+00:00",'
                '"type":"run_created","payload":{"run_id":"RUN-1","config":{"lr":0.001}}}'
            ),
            (
                '{"version":1,"seq":2,"timestamp":"2026-11-28T14:16:21.876196+00:00",'
                '"type":"metrics_logged","payload":{"metrics":{"loss":1.92},"step":0}}'
            ),
            (
                '{"version":1,"seq":3,"timestamp":"2026-11-28T14:16:22.876196+00:00",'
                '"type":"metrics_logged","payload":{"metrics":{"loss":1.4},"step":10}}'
            ),
            (
                '{"version":1,"seq":8,"timestamp":"2026-11-28T14:16:23.221966+00:00",'
                '"type":"run_finished","payload":{"state":"completed"}}'
            ),
        ),
        step_key="payload.step",
        time_key="timestamp",
        steps=[None, 0, 10, None],
        times_ms=(_T + 875, _T + 3_221),
        metrics={"loss": 1.4},
        config={"lr": 0.001},
    ),
    "runicorn": Producer(
        lines=(
            (
                '{"ts":1795875380.44,"type":"metrics","data":{"loss":1.9,"val":{"acc":0.5},'
                '"global_step":0,"time":1795875380.44}}'
            ),
            (
                '{"ts":1795875381.44,"type":"metrics","data":{"loss":1.4,"val":{"acc":0.6},'
                '"global_step":10,"time":1795875381.44}}'
            ),
            '{"ts":1795875382.44,"type":"text","data":{"key":"note","text":"hello"}}',
        ),
        step_key="data.global_step",
        time_key="ts",
        steps=[0, 10, None],
        times_ms=(_T + 440, _T + 2_440),
        metrics={"loss": 1.4, "val.acc": 0.6},
    ),
    "trackio": Producer(
        lines=(
            (
                '{"v":1,"kind":"log","project":"p","run":"a","run_id":"r1","metrics":'
                '{"loss":0.5,"val":{"acc":0.5}},"step":3,"timestamp":"2026-11-28T14:16:20Z"}'
            ),
        ),
        step_key="step",
        time_key="timestamp",
        steps=[3],
        times_ms=(_T, _T),
        metrics={"loss": 0.5, "val.acc": 0.5},
    ),
    "verl": Producer(
        lines=(
            '{"step":1,"data":{"actor/loss":0.5,"perf/throughput":900.5}}',
            '{"step":2,"data":{"actor/loss":0.4,"perf/throughput":901.5}}',
        ),
        step_key="step",
        steps=[1, 2],
        metrics={"actor/loss": 0.4, "perf/throughput": 901.5},
    ),
    # ------------------------------------------------------------ a metric a line
    "comet": Producer(
        lines=(
            (
                '{"type":"metric_msg","payload":{"metric":{"metricName":"loss",'
                '"metricValue":0.5,"step":1},"local_timestamp":1795875380123}}'
            ),
            (
                '{"type":"metric_msg","payload":{"metric":{"metricName":"acc",'
                '"metricValue":0.7,"step":1},"local_timestamp":1795875381123}}'
            ),
        ),
        step_key="payload.metric.step",
        time_key="payload.local_timestamp",
        steps=[1, 1],
        times_ms=(_T + 123, _T + 1_123),
        metrics={"loss": 0.5, "acc": 0.7},
    ),
    "mlparty": Producer(
        lines=(
            '{"ts":"2026-11-28T14:16:20.706003+00:00","name":"loss","value":1.9,"step":0}',
            '{"ts":"2026-11-28T14:16:20.708679+00:00","name":"lr","value":0.001,"step":0}',
            '{"ts":"2026-11-28T14:16:21.708679+00:00","name":"loss","value":NaN,"step":10}',
        ),
        step_key="step",
        time_key="ts",
        steps=[0, 0, 10],
        times_ms=(_T + 706, _T + 1_708),
        metrics={"loss": "NaN", "lr": 0.001},
    ),
    "torchtitan": Producer(
        lines=_sample("torchtitan/training.global_rank_0.20261123-052000-AB12CD.jsonl"),
        step_key="step",
        time_key="time_us",
        steps=[5],
        times_ms=(1_795_411_536_123, 1_795_411_536_123),
        metrics={"fwd_bwd_end": 12.5},
    ),
    "optuna": Producer(
        lines=(
            '{"op_code":6,"worker_id":"a","trial_id":0,"step":0,"intermediate_value":0.5}',
            '{"op_code":6,"worker_id":"a","trial_id":0,"step":1,"intermediate_value":0.4}',
            '{"op_code":6,"worker_id":"a","trial_id":1,"step":0,"intermediate_value":0.9}',
            '{"op_code":6,"worker_id":"a","trial_id":0,"step":2,"intermediate_value":0.3}',
        ),
        step_key="step",
        steps=[0, 1, 0, 2],
        metrics={"intermediate_value": 0.3},
        lanes=("0", "0", "1", "0"),
    ),
    # ------------------------------------------------------------ several counters
    "mmengine": Producer(
        lines=_sample("mmengine/20261123_052000/vis_data/scalars.json"),
        step_key="step",
        # The second line is an evaluation's: its counter is the epoch.
        steps=[50, None],
        metrics={
            "lr": 0.02,
            "data_time": 0.003,
            "loss": 1.92,
            "loss_cls": 0.53,
            "memory": 3450,
            "time": 0.05,
            "coco/bbox_mAP": 0.31,
        },
    ),
    "mmengine_validation": Producer(
        lines=tuple(
            f'{{"mIoU":30,"step":{step}}}'
            if not step
            else f'{{"loss":1,"step":{step}}}'
            for step in (50, 100, 0, 150, 200, 0, 250, 300, 0)
        ),
        step_key="step",
        steps=[50, 100, None, 150, 200, None, 250, 300, None],
        metrics={"loss": 1, "mIoU": 30},
    ),
    "mmcv": Producer(
        lines=(
            '{"env_info":"linux","config":"lr = 0.02","seed":null}',
            *chain.from_iterable(
                (
                    *(
                        f'{{"mode":"train","epoch":{epoch},"iter":{step},'
                        f'"loss":{1 / epoch}}}'
                        for step in (50, 100, 150)
                    ),
                    f'{{"mode":"val","epoch":{epoch},"iter":1334,"mAP":{epoch / 10}}}',
                )
                for epoch in (1, 2, 3)
            ),
        ),
        step_key="iter",
        steps=[
            *(None, 50, 100, 150, None, 200, 250, 300, None, 350, 400, 450, None),
        ],
        metrics={"loss": 1 / 3, "mAP": 0.3},
    ),
    "dllogger": Producer(
        lines=(
            '{"timestamp":"1795875380.123","step":"PARAMETER","data":{"lr":0.001}}',
            *(
                f'{{"timestamp":"179587538{1 + epoch}.123","step":[{epoch},{step}],'
                f'"data":{{"loss":{2 - epoch - step / 10}}}}}'
                for epoch in (0, 1)
                for step in (0, 1, 2, 3)
            ),
            '{"timestamp":"1795875385.123","step":[],"data":{"total":9}}',
        ),
        step_key="step",
        time_key="timestamp",
        steps=[None, 0, 1, 2, 3, 3, 4, 5, 6, None],
        times_ms=(_T + 123, _T + 5_123),
        metrics={"lr": 0.001, "loss": 0.7, "total": 9},
    ),
    # ------------------------------------------------------------ scripts of one's own
    "compact_calendar": Producer(
        lines=tuple(
            f'{{"timestamp":"20261128_14162{second}","step":{second},"loss":1}}'
            for second in range(3)
        ),
        step_key="step",
        time_key="timestamp",
        steps=[0, 1, 2],
        times_ms=(_T, _T + 2_000),
        metrics={"loss": 1},
    ),
    "date_and_time": Producer(
        lines=(
            '{"date":"2026-11-28","time":"14:16:20","step":0,"loss":1}',
            '{"date":"2026-11-28","time":"14:16:21","step":1,"loss":2}',
        ),
        step_key="step",
        time_key="date",
        steps=[0, 1],
        times_ms=(_T, _T + 1_000),
        metrics={"loss": 2},
    ),
    "steps_with_commas": Producer(
        lines=('{"step":"1,000","loss":1}', '{"step":"2,000","loss":0.5}'),
        step_key="step",
        steps=[1_000, 2_000],
        metrics={"loss": 0.5},
    ),
    "other_words": Producer(
        lines=('{"Iteration":0,"loss":1}', '{"Iteration":"1.0","loss":0.5}'),
        step_key="Iteration",
        steps=[0, 1],
        metrics={"loss": 0.5},
    ),
    "slashes": Producer(
        lines=('{"rollout_id":0,"train/step":0}', '{"rollout_id":1,"train/step":2}'),
        step_key="train/step",
        steps=[0, 2],
        metrics={"rollout_id": 1},
    ),
    "resumed": Producer(
        lines=tuple(
            f'{{"step":{step},"loss":{1 / (1 + step)}}}'
            for step in (*range(21), *range(11, 31))
        ),
        step_key="step",
        # The run fell back to a checkpoint: nothing is to be chosen otherwise.
        steps=[*range(21), *range(11, 31)],
        metrics={"loss": 1 / 31},
    ),
}
