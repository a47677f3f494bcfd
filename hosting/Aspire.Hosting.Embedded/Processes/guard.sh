# Ends the processes of a run whose host has gone without saying so (kill -9).
# Standard input: "+pid start-time" and "-pid", one a line; its end means that the host is gone.
# $1: the run id, which every process of the run has in its environment as WOODPECKER_RUN_ID.
trap '' INT TERM HUP
run=$1
listed=""

start_of() { # field 22 of /proc/PID/stat, counted behind the name, which may hold blanks
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  # shellcheck disable=SC2086
  set -- ${stat##*) }
  echo "${20}"
}

while read -r line; do
  case $line in
    +*) listed="$listed ${line#+}"; listed="${listed% *}:${listed##* }" ;;
    -*) kept=""; for entry in $listed; do [ "${entry%%:*}" = "${line#-}" ] || kept="$kept $entry"; done; listed=$kept ;;
  esac
done

alive() { # pids of the run that are still there; a recycled pid has another start time
  for entry in $listed; do
    [ "$(start_of "${entry%%:*}")" = "${entry##*:}" ] && echo "${entry%%:*}"
  done
  grep -l "WOODPECKER_RUN_ID=$run" /proc/[0-9]*/environ 2>/dev/null | sed 's|/proc/\([0-9]*\)/.*|\1|'
}

signal() { # the group where the process leads one, and the process itself
  for pid in $(alive); do kill "-$1" "-$pid" 2>/dev/null; kill "-$1" "$pid" 2>/dev/null; done
}

[ -n "$(alive)" ] || exit 0
signal TERM
i=0
while [ $i -lt 50 ]; do
  [ -n "$(alive)" ] || exit 0
  sleep 0.1
  i=$((i + 1))
done
signal KILL
