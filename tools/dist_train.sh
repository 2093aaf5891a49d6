#!/usr/bin/env bash
# Train on several devices of one or more machines: tools/dist_train.sh CONFIG GPUS [options of tools/train.py]
#   NNODES, NODE_RANK, MASTER_ADDR, PORT  for more than one machine; alone, a machine takes a free port unless PORT names one
set -euo pipefail
CONFIG=${1:?usage: dist_train.sh CONFIG GPUS [options]} GPUS=${2:?usage: dist_train.sh CONFIG GPUS [options]}
shift 2
HERE=$(cd "$(dirname "$0")" && pwd)
if [ "${NNODES:-1}" = 1 ] && [ -z "${PORT:-}" ]; then
    rendezvous=(--standalone)
else
    rendezvous=(--nnodes="${NNODES:-1}" --node_rank="${NODE_RANK:-0}" --master_addr="${MASTER_ADDR:-127.0.0.1}"
        --master_port="${PORT:-29500}")
fi
PYTHONPATH=$(dirname "$HERE")${PYTHONPATH:+:$PYTHONPATH} ${PYTHON:-python} -m torch.distributed.run \
    "${rendezvous[@]}" --nproc_per_node="$GPUS" \
    "$HERE/train.py" "$CONFIG" --launcher pytorch "$@"
