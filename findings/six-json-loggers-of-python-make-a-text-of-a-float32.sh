#!/usr/bin/env bash
# Six JSON formatters of Python write a loss that is a float32 as a text, and a step of numpy too.
#
# numpy's float64 is a subclass of `float`, and is written as a number. Its float32 and int64 are
# not: structlog, ecs-logging and python-logstash-async write them as "np.float32(0.25)", which no
# reader makes a number of, and loguru, python-json-logger and json-log-formatter as "0.25". So a
# curve is missing or is none because of the dtype that a loss was computed in; nothing is said.
# One would bet on an error, as `json.dumps` gives. python-json-logger's formatter with orjson
# makes a text of the float64 as well. Of those looked at Eliot alone writes numbers. What helps:
# `.item()`, or `float()`, before a metric is logged.
#
# Seen with structlog 26.1.0, ecs-logging 2.3.0, python-logstash-async 4.1.0, loguru 0.7.3,
# python-json-logger 4.2.0, json-log-formatter 1.2.1, eliot 1.18.0, orjson 3.13.0 and numpy 2.4.6.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check \
    structlog==26.1.0 ecs-logging==2.3.0 python-logstash-async==4.1.0 loguru==0.7.3 \
    python-json-logger==4.2.0 JSON-log-formatter==1.2.1 eliot==1.18.0 orjson==3.13.0 numpy==2.4.6

cat >program.py <<'PROGRAM'
import io
import json
import logging

import ecs_logging
import eliot
import json_log_formatter
import loguru
import numpy
import structlog
from logstash_async.formatter import LogstashFormatter
from pythonjsonlogger.json import JsonFormatter
from pythonjsonlogger.orjson import OrjsonFormatter

record = {"loss": numpy.float32(0.25), "accuracy": numpy.float64(0.5), "step": numpy.int64(5)}


def with_logging(formatter):
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(formatter)
    logger = logging.Logger("run")
    logger.addHandler(handler)
    logger.info("step", extra=record)
    return json.loads(out.getvalue())


def with_structlog():
    out = io.StringIO()
    structlog.configure(
        processors=[structlog.processors.JSONRenderer()],
        logger_factory=structlog.PrintLoggerFactory(out),
    )
    structlog.get_logger().info("step", **record)
    return json.loads(out.getvalue())


def with_loguru():
    out = io.StringIO()
    loguru.logger.remove()
    loguru.logger.add(out, serialize=True)
    loguru.logger.bind(**record).info("step")
    return json.loads(out.getvalue())["record"]["extra"]


def with_eliot():
    out = io.BytesIO()
    eliot.to_file(out)
    eliot.log_message(message_type="step", **record)
    return json.loads(out.getvalue())


def show(title, written):
    print(f"{title}:", json.dumps({name: written[name] for name in record}))


show("structlog", with_structlog())
show("ecs-logging", with_logging(ecs_logging.StdlibFormatter()))
show("python-logstash-async", with_logging(LogstashFormatter())["extra"])
show("loguru", with_loguru())
show("json-log-formatter", with_logging(json_log_formatter.JSONFormatter()))
show("python-json-logger", with_logging(JsonFormatter()))
show("python-json-logger, orjson", with_logging(OrjsonFormatter()))
show("eliot", with_eliot())
try:
    json.dumps(record)
except TypeError as error:
    print("json.dumps:", error)
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
structlog: {"loss": "np.float32(0.25)", "accuracy": 0.5, "step": "np.int64(5)"}
ecs-logging: {"loss": "np.float32(0.25)", "accuracy": 0.5, "step": "np.int64(5)"}
python-logstash-async: {"loss": "np.float32(0.25)", "accuracy": 0.5, "step": "np.int64(5)"}
loguru: {"loss": "0.25", "accuracy": 0.5, "step": "5"}
json-log-formatter: {"loss": "0.25", "accuracy": 0.5, "step": "5"}
python-json-logger: {"loss": "0.25", "accuracy": 0.5, "step": "5"}
python-json-logger, orjson: {"loss": "0.25", "accuracy": "0.5", "step": "5"}
eliot: {"loss": 0.25, "accuracy": 0.5, "step": 5}
json.dumps: Object of type float32 is not JSON serializable
EXPECTED
echo "as stated"
