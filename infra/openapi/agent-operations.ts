import type { Operation } from './operation.ts'
import { DENIALS, WRITING } from './problems.ts'

/** What hosts ask for, signed. */
export const AGENT_OPERATIONS: readonly Operation[] = [
  {
    method: 'post',
    route: '/v1/reports',
    id: 'postReport',
    tag: 'agent',
    summary: 'Report what a host has and claims',
    description:
      'Checked in the order of docs/spec/wire.md. The same bytes get the same answer and have no further effect.',
    body: { contentType: 'application/jose', schema: 'ReportJws' },
    answers: [
      {
        status: 200,
        description: 'DNS is written, or could not be: what was done is in the log.',
        contentType: 'application/json',
        schema: 'Receipt',
      },
      {
        status: 202,
        description: 'The report is logged, DNS is not finished.',
        contentType: 'application/json',
        schema: 'Pending',
        headers: ['Retry-After'],
      },
    ],
    codes: [
      'JWS_MALFORMED',
      'REPORT_INVALID',
      'JWS_SIGNATURE',
      'KEY_UNKNOWN',
      'KEY_REVOKED',
      'USE_NONCE',
      'HOST_MISMATCH',
      'URL_MISMATCH',
      ...DENIALS,
      'SEQUENCE_STALE',
      'SEQUENCE_REUSED',
      'SEQUENCE_TOO_FAR',
      'RATE_LIMITED',
      ...WRITING,
    ],
  },
  {
    method: 'post',
    route: '/v1/enroll',
    id: 'enrol',
    tag: 'agent',
    summary: 'Enrol the key of a host with a join string',
    description: 'The same key again gets the same answer.',
    body: { contentType: 'application/jose', schema: 'EnrolmentJws' },
    answers: [
      {
        status: 200,
        description: 'The key speaks for the host from now on.',
        contentType: 'application/json',
        schema: 'EnrolmentReceipt',
      },
    ],
    codes: [
      'JWS_MALFORMED',
      'KEY_INVALID',
      'JWS_SIGNATURE',
      'TOKEN_INVALID',
      'TOKEN_EXPIRED',
      'TOKEN_USED',
      'URL_MISMATCH',
      ...WRITING,
    ],
  },
  {
    method: 'post',
    route: '/v1/rotate',
    id: 'rotate',
    tag: 'agent',
    summary: 'Replace the key of a host by a successor',
    description: 'The same two keys again get the same answer.',
    body: { contentType: 'application/jose', schema: 'RotationJws' },
    answers: [
      {
        status: 200,
        description: 'The successor alone speaks for the host from now on.',
        contentType: 'application/json',
        schema: 'RotationReceipt',
      },
    ],
    codes: [
      'JWS_MALFORMED',
      'KEY_INVALID',
      'JWS_SIGNATURE',
      'KEY_UNKNOWN',
      'KEY_REVOKED',
      'USE_NONCE',
      'HOST_MISMATCH',
      'URL_MISMATCH',
      'RATE_LIMITED',
      ...WRITING,
    ],
  },
  {
    method: 'get',
    route: '/v1/whoami',
    id: 'whoAmI',
    tag: 'agent',
    summary: 'Ask for one’s own address',
    answers: [
      {
        status: 200,
        description: 'The address of the client; null where a proxy does not tell it.',
        contentType: 'application/json',
        schema: 'Client',
        headers: ['Cache-Control'],
      },
    ],
  },
]
