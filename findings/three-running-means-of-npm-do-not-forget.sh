#!/usr/bin/env bash
# Three running means of npm keep what has left their window: a NaN, or a loss that diverged.
#
# `downsample` and `technicalindicators` keep one sum and take away from it what leaves the
# window. After a single NaN every mean to the end of the run is NaN. After one loss of
# 1e17 the losses of 1 beside it are lost from the sum for good: downsample says 0 to the end,
# technicalindicators a third of the truth. `moving-averages` has the 0 as well, and counts a
# NaN as 0: the loss seems to fall where it is not known. One would bet on a mean of three to
# know nothing of the value before these, as `trading-signals` does.
#
# Seen with downsample 1.4.0, technicalindicators 3.1.0, moving-averages 4.0.6 and
# trading-signals 8.3.0 on Node.js 20.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init --yes >/dev/null
npm install --silent --no-fund --no-audit \
    downsample@1.4.0 technicalindicators@3.1.0 moving-averages@4.0.6 trading-signals@8.3.0

cat >program.mjs <<'PROGRAM'
import { createRequire } from "node:module";
import { SMA as Signal } from "trading-signals";

const require = createRequire(import.meta.url);
const { SMA } = require("downsample");
const indicators = require("technicalindicators");
const { ma } = require("moving-averages");

const MEANS = {
  downsample: (losses) => [...SMA(losses.map((loss, step) => [step, loss]), 3)].map(({ y }) => y),
  technicalindicators: (losses) => indicators.SMA.calculate({ period: 3, values: losses }),
  "moving-averages": (losses) => ma(losses, 3).slice(2),
  "trading-signals": (losses) => {
    const signal = new Signal(3);
    return losses.map((loss) => Number(signal.update(loss, false))).slice(2);
  },
};

for (const odd of [1e17, NaN]) {
  const losses = [1, 1, 1, odd, 1, 1, 1, 1, 1];
  console.log(`losses ${losses.join(" ")}`);
  for (const [name, means] of Object.entries(MEANS)) {
    const texts = means(losses).map((mean) => (mean > 1e3 ? mean.toExponential(1) : mean.toFixed(2)));
    console.log(`  ${name}: ${texts.join(" ")}`);
  }
}
PROGRAM
node program.mjs >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
losses 1 1 1 100000000000000000 1 1 1 1 1
  downsample: 1.00 3.3e+16 3.3e+16 3.3e+16 0.00 0.00 0.00
  technicalindicators: 1.00 3.3e+16 3.3e+16 3.3e+16 0.33 0.33 0.33
  moving-averages: 1.00 3.3e+16 3.3e+16 3.3e+16 0.00 0.00 0.00
  trading-signals: 1.00 3.3e+16 3.3e+16 3.3e+16 1.00 1.00 1.00
losses 1 1 1 NaN 1 1 1 1 1
  downsample: 1.00 NaN NaN NaN NaN NaN NaN
  technicalindicators: 1.00 NaN NaN NaN NaN NaN NaN
  moving-averages: 1.00 0.67 0.67 0.67 1.00 1.00 1.00
  trading-signals: 1.00 NaN NaN NaN 1.00 1.00 1.00
EXPECTED
echo "as stated"
