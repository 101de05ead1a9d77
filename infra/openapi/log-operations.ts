import type { Operation, Parameter } from './operation.ts'
import { READING } from './problems.ts'

const COUNT = { type: 'integer', minimum: 0, maximum: 999_999_999_999_999 } as const
const TILE_INDEX: Parameter = {
  name: 'index',
  in: 'path',
  description:
    'As C2SP tlog-tiles spells it: three digits; from 1000 on `x001/234`, each slash a real one; a partial tile ends in `.p/WIDTH`.',
  schema: { type: 'string', pattern: '^(x\\d{3}/){0,4}\\d{3}(\\.p/[1-9]\\d{0,2})?$' },
}

/** The audit log, for anybody and for the operator. */
export const LOG_OPERATIONS: readonly Operation[] = [
  {
    method: 'get',
    route: '/v1/log/checkpoint',
    id: 'getCheckpoint',
    tag: 'log',
    summary: 'The signed checkpoint of the whole log',
    answers: [
      {
        status: 200,
        description: 'The checkpoint.',
        contentType: 'text/plain',
        schema: 'Checkpoint',
        headers: ['Cache-Control'],
      },
    ],
    codes: READING,
  },
  {
    method: 'get',
    route: '/v1/log/tile/*',
    path: '/v1/log/tile/{level}/{index}',
    id: 'getTile',
    tag: 'log',
    summary: 'Hashes of the tree, as C2SP tlog-tiles',
    parameters: [
      {
        name: 'level',
        in: 'path',
        description: 'Each hash covers 256^level entries.',
        schema: { type: 'integer', minimum: 0, maximum: 63 },
      },
      TILE_INDEX,
    ],
    answers: [
      {
        status: 200,
        description: 'Hashes of 32 bytes, one after another.',
        contentType: 'application/octet-stream',
        headers: ['Cache-Control'],
      },
    ],
    codes: ['NOT_FOUND', ...READING],
  },
  {
    method: 'get',
    route: '/v1/log/tile/entries/*',
    path: '/v1/log/tile/entries/{index}',
    id: 'getEntryBundle',
    tag: 'log',
    summary: 'Entries, as C2SP tlog-tiles',
    isOperators: true,
    parameters: [TILE_INDEX],
    answers: [
      {
        status: 200,
        description: 'Entries, each with its length before it in two bytes.',
        contentType: 'application/octet-stream',
        headers: ['Cache-Control'],
      },
    ],
    codes: ['NOT_FOUND', ...READING],
  },
  {
    method: 'get',
    route: '/v1/log/entries',
    id: 'getEntries',
    tag: 'log',
    summary: 'A page of the log, as an export has it',
    isOperators: true,
    parameters: [
      {
        name: 'start',
        in: 'query',
        description: 'Index of the first entry.',
        schema: { ...COUNT, default: 0 },
        isRequired: false,
      },
      {
        name: 'limit',
        in: 'query',
        description: 'Most entries to give; more than 1000 count as 1000.',
        schema: { ...COUNT, default: 1000 },
        isRequired: false,
      },
    ],
    answers: [
      {
        status: 200,
        description: 'One entry a line; none where the log ends before.',
        contentType: 'application/x-ndjson',
        schema: 'ExportLines',
      },
    ],
    codes: ['REQUEST_INVALID', ...READING],
  },
  {
    method: 'get',
    route: '/v1/log/proof',
    id: 'getProof',
    tag: 'log',
    summary: 'The proof that an entry is in the log',
    isOperators: true,
    parameters: [
      { name: 'index', in: 'query', description: 'Index of the entry.', schema: COUNT },
      {
        name: 'size',
        in: 'query',
        description: 'Size of the log to prove it in; all of it unless given.',
        schema: COUNT,
        isRequired: false,
      },
    ],
    answers: [
      {
        status: 200,
        description: 'The proof.',
        contentType: 'text/plain',
        schema: 'LogProof',
      },
    ],
    codes: ['REQUEST_INVALID', 'NOT_FOUND', ...READING],
  },
]
