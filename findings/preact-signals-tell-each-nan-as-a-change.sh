#!/usr/bin/env bash
# Preact's signals take each NaN for a change, so that all that hangs on it is done again.
#
# A signal that is set to the value it has tells nobody, and a computed value that comes out the
# same ends there. Both are compared by `!==`, and NaN is not itself: once a loss is NaN, every
# record that says so again runs each effect and each computation behind it, as if a metric moved
# with every record, just when it has stopped to. The hooks of Preact 11, in the same tree, compare
# by `Object.is`, as Vue's refs and React do. One would bet on that here too.
#
# Seen with @preact/signals-core 1.14.5, beside @vue/reactivity 3.5.22, on Node.js 20.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init --yes >/dev/null
npm install --silent --no-fund --no-audit @preact/signals-core@1.14.5 @vue/reactivity@3.5.22

cat >program.mjs <<'PROGRAM'
import { computed, effect, signal } from "@preact/signals-core";
import * as vue from "@vue/reactivity";

for (const value of [0.5, NaN]) {
  const loss = signal(value);
  const step = signal(0);
  const lowest = computed(() => Math.min(loss.value, step.value + 1));
  let [direct, computedOnce] = [0, 0];
  effect(() => void (loss.value, direct++));
  effect(() => void (lowest.value, computedOnce++));

  const ref = vue.ref(value);
  let refs = 0;
  vue.effect(() => void (ref.value, refs++));

  for (let record = 1; record <= 100; record++) {
    step.value = record;
    loss.value = value;
    ref.value = value;
  }
  console.log(`a loss that is ${value} in 100 records more`);
  console.log("  effects of the signal:", direct, "of what is computed:", computedOnce);
  console.log("  effects of Vue's ref:", refs);
}
PROGRAM
node program.mjs >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
a loss that is 0.5 in 100 records more
  effects of the signal: 1 of what is computed: 1
  effects of Vue's ref: 1
a loss that is NaN in 100 records more
  effects of the signal: 101 of what is computed: 201
  effects of Vue's ref: 1
EXPECTED
echo "as stated"
