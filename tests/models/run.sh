#!/usr/bin/env bash
# Checks the Promela models of this folder exhaustively with spin, and that spin refutes every mutation (MUT_*) of each.
# Last line: "N passed, N failed". Usage: tests/models/run.sh [--long] [MODEL ...], for example: run.sh a-fence
#   --long    also the larger size of models that have one (LONG)
# Wants spin and a C compiler (eng/install-test-servers.sh); without them it says so and is skipped, or fails if
# WOODPECKER_REQUIRE_REAL names spin. WOODPECKER_MODEL_JOBS: checks at a time (2). WOODPECKER_MODEL_MEMORY: MiB each (1800).
# Keeps the counterexample of a model that fails in TestResults/models; README.md tells how to read it.
set -uo pipefail
cd "$(dirname "$0")"

long=false
models=()
for argument in "$@"; do
  case "$argument" in
    --long) long=true ;;
    -h|--help) sed -n '2,9p' "$0" | sed 's/^# \{0,1\}//'; exit 0 ;;
    -*) echo "unknown option $argument; see run.sh --help" >&2; exit 2 ;;
    *) models+=("$(basename "$argument" .pml)") ;;
  esac
done
[ ${#models[@]} -gt 0 ] || for file in *.pml; do models+=("${file%.pml}"); done

for tool in spin gcc; do
  if ! command -v "$tool" >/dev/null; then
    case ",${WOODPECKER_REQUIRE_REAL:-}," in
      *,spin,*) echo "$tool is missing, but WOODPECKER_REQUIRE_REAL names spin."; echo "0 passed, 1 failed"; exit 1 ;;
    esac
    echo "The models are skipped: $tool is missing."
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
  fi
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
kept=$PWD/../../TestResults/models
jobs=${WOODPECKER_MODEL_JOBS:-2}
memory=${WOODPECKER_MODEL_MEMORY:-1800}
limit=${WOODPECKER_MODEL_LIMIT:-600}

# check MODEL VARIANT: a variant is "" (the model itself), LONG, another size named in the model, or a mutation.
check() {
  local model=$1 variant=$2 folder="$work/$1-$2"
  mkdir "$folder" && cp "$model.pml" "$folder" && cd "$folder" || return
  local define=() began ended verdict errors
  [ -n "$variant" ] && define=("-D$variant")
  # Counterexamples are found early, so compiling costs more than searching.
  local optimize=-O2
  [[ "$variant" == MUT_* ]] && optimize=-O1
  began=$(date +%s%N)
  # Spin exits with 0 on some errors of the model: what counts is that pan.c appears and that nothing was reported.
  if ! spin -a "${define[@]}" "$model.pml" >spin.out 2>&1 || grep -qi 'error' spin.out \
    || ! gcc $optimize -w -DSAFETY -DCOLLAPSE -DMEMLIM="$memory" -o pan pan.c >gcc.out 2>&1; then
    cat spin.out gcc.out 2>/dev/null
    verdict="BROKEN"
  else
    # -E: waiting for ever is no error here, since every message may be lost; the models state safety.
    timeout "$limit" ./pan -m200000 -w23 -E -n >pan.out 2>&1
    errors=$(sed -n 's/.*errors: *\([0-9]*\).*/\1/p' pan.out)
    if [ "$errors" = 0 ] && ! grep -qE 'not completed|too small|out of memory' pan.out; then
      verdict=holds
    elif [ "${errors:-0}" -gt 0 ] && grep -q 'assertion violated' pan.out; then
      verdict=refuted
    else
      verdict="UNFINISHED"
    fi
  fi
  ended=$(date +%s%N)
  local states depth seconds outcome=failed
  states=$(sed -n 's/^ *\([0-9]*\) states, stored.*/\1/p' pan.out 2>/dev/null)
  depth=$(sed -n 's/.*depth reached \([0-9]*\).*/\1/p' pan.out 2>/dev/null | tail -1)
  seconds=$(awk -v t=$((ended - began)) 'BEGIN { printf "%.1f", t / 1e9 }')
  case "$variant" in
    MUT_*) [ "$verdict" = refuted ] && outcome=passed ;;
    *) [ "$verdict" = holds ] && outcome=passed ;;
  esac
  printf '%-10s %-28s %12s %6s %8s  %s\n' \
    "$model" "${variant:--}" "${states:--}" "${depth:--}" "$seconds" "$verdict$([ $outcome = failed ] && echo '  <-- FAILED')"
  echo "$outcome" >>"$work/outcomes"
  if [ $outcome = failed ]; then
    mkdir -p "$kept" && cp "$model.pml" "$kept/$model-$variant.pml" && cp pan.out spin.out "$kept/" 2>/dev/null
    [ -f "$model.pml.trail" ] && cp "$model.pml.trail" "$kept/$model-$variant.pml.trail"
    grep 'assertion violated' pan.out 2>/dev/null
  fi
  cd "$work" && rm -rf "$folder"
}

printf '%-10s %-28s %12s %6s %8s  %s\n' model variant states depth seconds verdict
for model in "${models[@]}"; do
  variants=("")
  # "Variants:" in a model's head names further properties or sizes that always run.
  # shellcheck disable=SC2207
  variants+=($(sed -n 's/^ \* Variants: *//p' "$model.pml"))
  $long && grep -qE '^#if(def|ndef) LONG' "$model.pml" && variants+=(LONG)
  # shellcheck disable=SC2207
  variants+=($(grep -oE '\bMUT_[A-Z0-9_]+' "$model.pml" | sort -u))
  for variant in "${variants[@]}"; do
    while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n; done
    check "$model" "$variant" &
  done
done
wait

passed=$(grep -c passed "$work/outcomes") failed=$(grep -c failed "$work/outcomes")
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
