import type { ICompare, IKeyValue, IRangeRequest, IRequestOp, ITxnRequest, ITxnResponse } from 'etcd3';
import type {
  Compare,
  KeyRange,
  KeyValue,
  Operation,
  OperationResult,
  RangeRequest,
  TxnRequest,
  TxnResult,
} from './transport.ts';

/** Converts between our types and those of the protocol. */
export function toTxnRequest({ compare, success, failure }: TxnRequest): ITxnRequest {
  return {
    compare: compare.map(toCompare),
    success: success.map(toOperation),
    failure: (failure ?? []).map(toOperation),
  };
}

export function toRangeRequest(request: RangeRequest): IRangeRequest {
  return {
    ...toRange(request),
    ...(request.limit !== undefined && { limit: request.limit }),
    ...(request.revision !== undefined && { revision: String(request.revision) }),
    keys_only: request.keysOnly === true,
    count_only: request.countOnly === true,
  };
}

export function toRange({ key, end }: KeyRange): { key: Buffer; range_end?: Buffer } {
  return { key: Buffer.from(key), ...(end !== undefined && { range_end: Buffer.from(end) }) };
}

export function fromPair(pair: IKeyValue): KeyValue {
  return {
    key: pair.key.toString(),
    value: pair.value.toString(),
    createRevision: BigInt(pair.create_revision),
    modRevision: BigInt(pair.mod_revision),
    lease: pair.lease,
  };
}

export function fromTxnResponse(response: ITxnResponse): TxnResult {
  return {
    succeeded: response.succeeded,
    // A nested response has no header.
    revision: BigInt(response.header?.revision ?? 0),
    results: response.responses.map((each): OperationResult => {
      if (each.response_range) return { pairs: each.response_range.kvs.map(fromPair) };
      return each.response_txn ? { txn: fromTxnResponse(each.response_txn) } : {};
    }),
  };
}

function toCompare(compare: Compare): ICompare {
  const key = Buffer.from(compare.key);
  const result = 'Equal';
  if ('create' in compare) return { key, result, target: 'Create', create_revision: String(compare.create) };
  if ('mod' in compare) return { key, result, target: 'Mod', mod_revision: String(compare.mod) };
  return { key, result, target: 'Value', value: Buffer.from(compare.value) };
}

function toOperation(operation: Operation): IRequestOp {
  switch (operation.kind) {
    case 'put': {
      const { key, value, lease } = operation;
      return {
        request_put: {
          key: Buffer.from(key),
          value: Buffer.from(value),
          ...(lease !== undefined && { lease }),
        },
      };
    }
    case 'delete':
      return { request_delete_range: toRange(operation) };
    case 'get':
      return { request_range: toRange(operation) };
    case 'txn':
      return { request_txn: toTxnRequest(operation) };
  }
}
