import { AGENT_OPERATIONS } from './agent-operations.ts'
import { HEADERS } from './headers.ts'
import { LOG_OPERATIONS } from './log-operations.ts'
import type { Operation } from './operation.ts'
import { OPERATOR_OPERATIONS } from './operator-operations.ts'
import { READING } from './problems.ts'
import { renderOperation } from './render-operation.ts'
import { renderSchemas } from './schemas.ts'

const SERVICE_OPERATIONS: readonly Operation[] = [
  {
    method: 'get',
    route: '/healthz',
    id: 'getHealth',
    tag: 'service',
    summary: 'Whether the process answers',
    answers: [
      {
        status: 200,
        description: 'It does.',
        contentType: 'application/json',
        schema: 'Health',
      },
    ],
  },
  {
    method: 'get',
    route: '/readyz',
    id: 'getReadiness',
    tag: 'service',
    summary: 'Whether reports can be taken',
    answers: [
      {
        status: 200,
        description: 'They can.',
        contentType: 'application/json',
        schema: 'Ready',
      },
    ],
    codes: READING,
  },
  {
    method: 'get',
    route: '/v1/openapi.json',
    id: 'getDescription',
    tag: 'service',
    summary: 'This document',
    answers: [
      {
        status: 200,
        description: 'OpenAPI 3.1, with the public URL of this cloud as its server.',
        contentType: 'application/json',
        headers: ['Cache-Control'],
      },
    ],
  },
]

/** The whole interface, in the order of the document. */
export const OPERATIONS: readonly Operation[] = [
  ...AGENT_OPERATIONS,
  ...LOG_OPERATIONS,
  ...OPERATOR_OPERATIONS,
  ...SERVICE_OPERATIONS,
]

const DESCRIPTION = [
  'What a reprefix cloud answers. Hosts report what they have and claim, in JWS that docs/spec/wire.md specifies',
  'to the byte; anybody can check the audit log (docs/spec/audit-log.md); the operator looks after hosts.',
  'Members may be added to any answer: ignore those you do not know. Any other path is 404 `NOT_FOUND`.',
].join(' ')

/** The OpenAPI 3.1 document of the cloud, made from the schemas that validate. */
export function renderDocument(): Readonly<Record<string, unknown>> {
  const paths: Record<string, Record<string, unknown>> = {}
  for (const operation of OPERATIONS) {
    const path = pathOf(operation)
    paths[path] = { ...paths[path], [operation.method]: renderOperation(operation) }
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'reprefix cloud',
      version: '1',
      description: DESCRIPTION,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [
      {
        url: '{cloud}',
        description: '`url` of cloud.yaml; a cloud that serves this document has its own here.',
        variables: { cloud: { default: 'https://reprefix.example.org' } },
      },
    ],
    tags: [
      { name: 'agent', description: 'What hosts ask for.' },
      { name: 'log', description: 'The audit log.' },
      { name: 'operator', description: 'Hosts, and what DNS has.' },
      { name: 'service', description: 'The service itself.' },
    ],
    paths,
    components: {
      schemas: renderSchemas(),
      headers: HEADERS,
      securitySchemes: {
        operator: { type: 'http', scheme: 'bearer', description: '`admin.token` of cloud.yaml.' },
      },
    },
  }
}

/** Its path in the document. */
export function pathOf({ route, path }: Operation): string {
  return path ?? route.replaceAll(/:(\w+)/g, '{$1}')
}
