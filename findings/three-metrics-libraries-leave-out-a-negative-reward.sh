#!/usr/bin/env bash
# Micrometer, OpenTelemetry (JavaScript) and VictoriaMetrics/metrics leave out a negative reward.
#
# Of the rewards -5, -1, 2 and 4, whose mean is 0, a DistributionSummary or a histogram of them has
# two, with the mean 3: what is below 0 is dropped, and nothing says so, no error, no log, no count.
# OpenTelemetry has the word for it, but its logger is one that does nothing until it is set. An
# agent that learns to lose looks well. The histogram of prometheus/client_golang, the
# counterexample, counts all four. One would bet on that, or on an error.
#
# Seen with micrometer-core 1.14.5 on Java 17, @opentelemetry/sdk-metrics 2.12.1 on Node.js 20, and
# VictoriaMetrics/metrics v1.45.0 and prometheus/client_golang v1.23.2 on Go 1.26.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cat >pom.xml <<'POM'
<project>
<modelVersion>4.0.0</modelVersion>
<groupId>probe</groupId><artifactId>probe</artifactId><version>1</version>
<dependencies>
<dependency><groupId>io.micrometer</groupId><artifactId>micrometer-core</artifactId><version>1.14.5</version></dependency>
</dependencies>
</project>
POM
mvn --quiet dependency:copy-dependencies -DoutputDirectory=jars >/dev/null
npm init --yes >/dev/null
npm install --silent --no-fund --no-audit @opentelemetry/sdk-metrics@2.12.1 @opentelemetry/api@1.9.0
go mod init probe 2>/dev/null
go get github.com/VictoriaMetrics/metrics@v1.45.0 github.com/prometheus/client_golang@v1.23.2 2>/dev/null

cat >Probe.java <<'PROGRAM'
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;

public class Probe {
    public static void main(String[] arguments) {
        var rewards = DistributionSummary.builder("reward").register(new SimpleMeterRegistry());
        for (double reward : new double[] {-5, -1, 2, 4}) rewards.record(reward);
        System.out.printf("Micrometer: %d rewards, mean %.0f%n", rewards.count(), rewards.mean());
    }
}
PROGRAM
cat >program.mjs <<'PROGRAM'
import * as metrics from "@opentelemetry/sdk-metrics";

const exporter = new metrics.InMemoryMetricExporter(metrics.AggregationTemporality.CUMULATIVE);
const reader = new metrics.PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
const provider = new metrics.MeterProvider({ readers: [reader] });
const rewards = provider.getMeter("run").createHistogram("reward");
for (const reward of [-5, -1, 2, 4]) rewards.record(reward);
await reader.forceFlush();
const { count, sum } = exporter.getMetrics()[0].scopeMetrics[0].metrics[0].dataPoints[0].value;
console.log(`OpenTelemetry: ${count} rewards, mean ${sum / count}`);
await provider.shutdown();
PROGRAM
cat >main.go <<'PROGRAM'
package main

import (
	"fmt"
	"os"

	"github.com/VictoriaMetrics/metrics"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

func main() {
	set := metrics.NewSet()
	victoria := set.NewHistogram("reward")
	counted := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "reward"})
	for _, reward := range []float64{-5, -1, 2, 4} {
		victoria.Update(reward)
		counted.Observe(reward)
	}
	fmt.Println("VictoriaMetrics/metrics:")
	set.WritePrometheus(os.Stdout)
	var told dto.Metric
	if err := counted.Write(&told); err != nil {
		panic(err)
	}
	count, sum := told.GetHistogram().GetSampleCount(), told.GetHistogram().GetSampleSum()
	fmt.Printf("client_golang: %d rewards, mean %g\n", count, sum/float64(count))
}
PROGRAM
{ java -cp 'jars/*' Probe.java && node program.mjs && go mod tidy && go run .; } >seen 2>errors || { cat seen errors; exit 1; }
# What was said beside the answers: slf4j's word that there is no logger is not about a reward.
grep -iE "negative|reward" errors >>seen || echo "of a negative value nothing was said" >>seen
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
Micrometer: 2 rewards, mean 3
OpenTelemetry: 2 rewards, mean 3
VictoriaMetrics/metrics:
reward_bucket{vmrange="1.896e+00...2.154e+00"} 1
reward_bucket{vmrange="3.594e+00...4.084e+00"} 1
reward_sum 6
reward_count 2
client_golang: 4 rewards, mean 0
of a negative value nothing was said
EXPECTED
echo "as stated"
