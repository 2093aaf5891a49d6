#!/usr/bin/env bash
# Test on several devices of one or more machines: tools/dist_test.sh CONFIG CHECKPOINT GPUS [options of tools/test.py]
#   NNODES, NODE_RANK, MASTER_ADDR, PORT  for more than one machine; alone, a machine takes a free port unless PORT names one
set -euo pipefail
usage="usage: dist_test.sh CONFIG CHECKPOINT GPUS [options]"
CONFIG=${1:?$usage} CHECKPOINT=${2:?$usage} GPUS=${3:?$usage}
shift 3
HERE=$(cd "$(dirname "$0")" && pwd)
if [ "${NNODES:-1}" = 1 ] && [ -z "${PORT:-}" ]; then
    rendezvous=(--standalone)
else
    rendezvous=(--nnodes="${NNODES:-1}" --node_rank="${NODE_RANK:-0}" --master_addr="${MASTER_ADDR:-127.0.0.1}"
        --master_port="${PORT:-29500}")
fi
PYTHONPATH=$(dirname "$HERE")${PYTHONPATH:+:$PYTHONPATH} ${PYTHON:-python} -m torch.distributed.run \
    "${rendezvous[@]}" --nproc_per_node="$GPUS" \
    "$HERE/test.py" "$CONFIG" "$CHECKPOINT" --launcher pytorch "$@"
