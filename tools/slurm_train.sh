#!/usr/bin/env bash
# Train under slurm: tools/slurm_train.sh PARTITION JOB_NAME CONFIG [options of tools/train.py]
#   GPUS, GPUS_PER_NODE, CPUS_PER_TASK  size of the job (8, 8, 5)
#   SRUN_ARGS                           further options of srun
set -euo pipefail
usage="usage: slurm_train.sh PARTITION JOB_NAME CONFIG [options]"
PARTITION=${1:?$usage} JOB_NAME=${2:?$usage} CONFIG=${3:?$usage}
shift 3
GPUS=${GPUS:-8} GPUS_PER_NODE=${GPUS_PER_NODE:-8} CPUS_PER_TASK=${CPUS_PER_TASK:-5}
HERE=$(cd "$(dirname "$0")" && pwd)
# SRUN_ARGS is split into words on purpose.
# shellcheck disable=SC2086
PYTHONPATH=$(dirname "$HERE")${PYTHONPATH:+:$PYTHONPATH} srun -p "$PARTITION" --job-name="$JOB_NAME" \
    --gres=gpu:"$GPUS_PER_NODE" --ntasks="$GPUS" --ntasks-per-node="$GPUS_PER_NODE" \
    --cpus-per-task="$CPUS_PER_TASK" --kill-on-bad-exit=1 ${SRUN_ARGS:-} \
    ${PYTHON:-python} -u "$HERE/train.py" "$CONFIG" --launcher slurm "$@"
