#!/usr/bin/env bash
# Four progress bars do not know where a resumed run began: enlighten says 101 seconds, and three
# none, of a run that goes on for 8.
#
# A run that is resumed at step 9000 of 10000 and does 100 steps per second has 8 seconds left
# after two. progressbar2, schollz/progressbar and mpb divide the steps of the bar, those before the
# resume included, by the time of this process: some 4600 steps per second, and no time left.
# enlighten has the speed right and then takes this process' 200 steps off the 10000, so that 9800
# remain. progressbar2's `start()` sets the bar back to 0 and forgets `initial_value`. tqdm and
# cheggaaa/pb, the counterexamples, say 8. One would bet on that from a bar that can be told where
# it begins.
#
# Seen with progressbar2 4.6.0, tqdm 4.67.1, enlighten 1.14.1, and on Go 1.26 with
# schollz/progressbar v3.19.1, mpb v8.16.2 and cheggaaa/pb v3.3.0.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check progressbar2==4.6.0 tqdm==4.67.1 enlighten==1.14.1
go mod init probe 2>/dev/null
go get github.com/schollz/progressbar/v3@v3.19.1 github.com/vbauerster/mpb/v8@v8.16.2 github.com/cheggaaa/pb/v3@v3.3.0 2>/dev/null

cat >program.py <<'PROGRAM'
import io
import re
import time

import enlighten
import progressbar
import tqdm


def run(step):
    for _ in range(200):
        time.sleep(0.01)
        step()


def tell(name, seconds):
    said = "0 or 1" if seconds <= 1 else "6 to 14" if 6 <= seconds <= 14 else "above 90"
    print(f"{name}: seconds left: {said}")


bar = tqdm.tqdm(initial=9000, total=10000, file=io.StringIO())
run(bar.update)
(minutes, seconds) = re.search(r"<(\d+):(\d+)", str(bar)).groups()
tell("tqdm", 60 * int(minutes) + int(seconds))

shown = io.StringIO()
bar = progressbar.ProgressBar(
    initial_value=9000, max_value=10000, fd=shown, is_terminal=True, widgets=[progressbar.ETA()]
)
run(bar.increment)
(hours, minutes, seconds) = re.findall(r"ETA: +(\d+):(\d+):(\d+)", shown.getvalue())[-1]
tell("progressbar2", 3600 * int(hours) + 60 * int(minutes) + int(seconds))

counter = enlighten.Manager(stream=io.StringIO(), enabled=True).counter(
    count=9000, total=10000, bar_format="{eta}"
)
run(counter.update)
(minutes, seconds) = counter.format(width=80).strip().split(":")
tell("enlighten", 60 * int(minutes) + int(seconds))

bar = progressbar.ProgressBar(initial_value=9000, max_value=10000, fd=io.StringIO())
bar.start()
print("progressbar2, steps after start():", bar.value)
PROGRAM
cat >main.go <<'PROGRAM'
package main

import (
	"fmt"
	"io"
	"time"

	"github.com/cheggaaa/pb/v3"
	"github.com/schollz/progressbar/v3"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

func run(step func()) {
	for range 200 {
		time.Sleep(10 * time.Millisecond)
		step()
	}
}

func tell(name string, left time.Duration) {
	said := left.String()
	if left <= time.Second {
		said = "0 or 1"
	} else if left >= 6*time.Second && left <= 14*time.Second {
		said = "6 to 14"
	}
	fmt.Printf("%s: seconds left: %s\n", name, said)
}

func main() {
	schollz := progressbar.NewOptions(10000, progressbar.OptionSetWriter(io.Discard))
	schollz.Set(9000)
	run(func() { schollz.Add(1) })
	tell("schollz/progressbar", time.Duration(schollz.State().SecondsLeft*float64(time.Second)))

	said := make(chan time.Duration, 10000)
	eta := decor.AverageETA(decor.ET_STYLE_GO)
	progress := mpb.New(mpb.WithOutput(io.Discard), mpb.WithAutoRefresh())
	bar := progress.AddBar(10000, mpb.AppendDecorators(decor.Any(func(statistics decor.Statistics) string {
		text, _ := eta.Decor(statistics)
		if left, err := time.ParseDuration(text); err == nil {
			said <- left
		}
		return text
	})))
	bar.SetCurrent(9000)
	run(bar.Increment)
	bar.Abort(true)
	progress.Wait()
	close(said)
	var last time.Duration
	for left := range said {
		last = left
	}
	tell("mpb", last)

	begun := pb.New(10000).SetCurrent(9000).SetWriter(io.Discard).SetTemplateString("{{rtime .}}")
	begun.Start()
	run(func() { begun.Increment() })
	left, err := time.ParseDuration(begun.String())
	if err != nil {
		panic(err)
	}
	tell("cheggaaa/pb", left)
}
PROGRAM
{ venv/bin/python program.py && go mod tidy 2>/dev/null && go run .; } >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
tqdm: seconds left: 6 to 14
progressbar2: seconds left: 0 or 1
enlighten: seconds left: above 90
progressbar2, steps after start(): 0
schollz/progressbar: seconds left: 0 or 1
mpb: seconds left: 0 or 1
cheggaaa/pb: seconds left: 6 to 14
EXPECTED
echo "as stated"
