#!/usr/bin/env bash
# Installs what the tests need, builds everything and runs every test. Last line: "N passed, N failed, N skipped".
# Usage: eng/test.sh [--quick] [--long] [PROJECT ...]
#   --quick    no format check, no models, no fuzzing, no simulation and no end-to-end tests
#   --long     also the slow cases (WOODPECKER_LONG=1)
#   PROJECT    names of test projects, for example Core.Tests Storage.Tests, models, fuzz or Simulation; default: all
set -uo pipefail
cd "$(dirname "$0")/.."

quick=false
projects=()
for argument in "$@"; do
  case "$argument" in
    --quick) quick=true ;;
    --long) export WOODPECKER_LONG=1 ;;
    -h|--help) sed -n '2,6p' "$0" | sed 's/^# \{0,1\}//'; exit 0 ;;
    -*) echo "unknown option $argument; see eng/test.sh --help" >&2; exit 2 ;;
    *) projects+=("$argument") ;;
  esac
done

export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_CLI_UI_LANGUAGE=en
logs=${WOODPECKER_TEST_LOGS:-TestResults}
mkdir -p "$logs"

say() { printf '\n== %s\n' "$*"; }
fail() { printf '%s\n' "$*" >&2; echo "0 passed, 1 failed"; exit 1; }

command -v dotnet >/dev/null || fail "The .NET 10 SDK is needed; dotnet is not on PATH."

say "real servers for the tests"
eng/install-test-servers.sh || echo "Some servers could not be installed; the tests that need them say so and are skipped."

say "restore and build"
restore=(dotnet restore Woodpecker.sln)
[ "${CI:-}" = true ] && restore+=(--locked-mode)
"${restore[@]}" -v q || fail "The restore failed."
dotnet build Woodpecker.sln --no-restore -v q -nologo || fail "The build failed."

if ! $quick && [ ${#projects[@]} -eq 0 ]; then
  say "format"
  # Style and analyzers are errors of the build already; this is about layout and the order of usings.
  dotnet format whitespace Woodpecker.sln --verify-no-changes --no-restore -v q || fail "dotnet format would change files; run it and commit."
fi

simulates=false
if [ ${#projects[@]} -eq 0 ]; then
  projects=(Architecture.Tests Core.Tests Format.Tests Storage.Tests Hosting.Tests Services.Tests)
  $quick || projects+=(models fuzz Simulation EndToEnd.Tests)
fi

passed=0 failed=0 skipped=0
failures=$(mktemp)
trap 'rm -f "$failures"' EXIT
for name in "${projects[@]}"; do
  if [ "$name" = models ] || [ "$name" = fuzz ]; then
    say "$name"
    run=(tests/models/run.sh)
    [ "${WOODPECKER_LONG:-}" = 1 ] && run+=(--long)
    # The time of the fuzzer is for all targets together; what it finds lies in TestResults/fuzz with its replay command.
    [ "$name" = fuzz ] && run=(timeout 300 dotnet run --project tests/Woodpecker.Fuzz --no-build -- --seconds 25 --seed 5)
    "${run[@]}" 2>&1 | tee "$logs/$name.log"
    code=${PIPESTATUS[0]}
    summary=$(tail -1 "$logs/$name.log")
    number() { grep -oE "[0-9]+ $1" <<<"$summary" | grep -oE '^[0-9]+'; }
    p=$(number passed) f=$(number failed) s=$(number skipped)
    passed=$((passed + ${p:-0})) failed=$((failed + ${f:-1})) skipped=$((skipped + ${s:-0}))
    if [ "$code" -ne 0 ] && [ "${f:-1}" -eq 0 ]; then
      echo "$name ended with code $code."
      failed=$((failed + 1))
    fi
    continue
  fi
  if [ "$name" = Simulation ]; then
    simulates=true
    continue
  fi
  project="tests/Woodpecker.$name/Woodpecker.$name.csproj"
  [ -f "$project" ] || fail "There is no $project."
  say "$name"
  log="$logs/$name.log"
  # One project after the other: they share two cores, and faults are timed.
  timeout --kill-after=30 1800 dotnet test "$project" --no-build --nologo -v q \
    --logger "console;verbosity=minimal" --logger "trx;LogFileName=$name.trx" --results-directory "$logs" \
    --blame-hang-timeout 10m --blame-hang-dump-type none >"$log" 2>&1
  code=$?
  cat "$log"
  grep -A 14 -E '^ +Failed [A-Za-z]' "$log" >>"$failures"
  summary=$(grep -E '(Passed|Failed|Skipped)! +- Failed:' "$log" | tail -1)
  count() { sed -n "s/.*$1: *\([0-9]*\).*/\1/p" <<<"$summary"; }
  p=$(count Passed) f=$(count 'Failed') s=$(count Skipped)
  passed=$((passed + ${p:-0})) failed=$((failed + ${f:-0})) skipped=$((skipped + ${s:-0}))
  if [ -z "$summary" ] || { [ $code -ne 0 ] && [ "${f:-0}" -eq 0 ]; }; then
    echo "$name ended with code $code without a proper result."
    failed=$((failed + 1))
  fi
done

# The simulator is a program of its own: its whole process computes on one thread.
if $simulates; then
  say "Simulation"
  log="$logs/Simulation.log"
  timeout --kill-after=30 1800 dotnet exec tests/Woodpecker.Simulation/bin/Debug/net10.0/Woodpecker.Simulation.dll \
    --ci --commit "$(git rev-parse HEAD 2>/dev/null)" >"$log" 2>&1
  code=$?
  cat "$log"
  grep -E '^failed: ' "$log" >>"$failures"
  summary=$(grep -E '(Passed|Failed)! +- Failed:' "$log" | tail -1)
  p=$(sed -n 's/.*Passed: *\([0-9]*\).*/\1/p' <<<"$summary") f=$(sed -n 's/.*- Failed: *\([0-9]*\).*/\1/p' <<<"$summary")
  passed=$((passed + ${p:-0})) failed=$((failed + ${f:-0}))
  if [ -z "$summary" ] || { [ $code -ne 0 ] && [ "${f:-0}" -eq 0 ]; }; then
    echo "Simulation ended with code $code without a proper result."
    failed=$((failed + 1))
  fi
fi

# Once more at the end, where they are found without a search.
[ -s "$failures" ] && { say "failures"; cat "$failures"; }

say "result"
if [ $skipped -gt 0 ]; then
  echo "$passed passed, $failed failed, $skipped skipped"
else
  echo "$passed passed, $failed failed"
fi
[ $failed -eq 0 ]
